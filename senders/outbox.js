// A charge sender in Node: whatever the EMR answers, and whenever it is killed, no charge goes twice.
//
// The outbox is a folder. ORDER.message holds what is to be sent; ORDER.sent is created, on disk, before
// the first byte leaves, and can be created once. It is empty until an answer to this very message is read:
// that is an unknown outcome, which is for a person to look into and never a reason to send again.
//
//     node outbox.js send HOST PORT STATE INBOX ACK_TIMEOUT_MS
//     node outbox.js account STATE
const fs = require("fs");
const net = require("net");
const path = require("path");
const { setTimeout: sleep } = require("timers/promises");

async function send(host, port, state, inbox, timeout) {
  process.on("SIGTERM", () => process.exit(0));
  console.log("ready");
  for (;;) {
    for (const exam of list(inbox, ".txt")) take(exam, state);
    for (const message of list(state, ".message")) {
      if (fs.existsSync(sent(message))) continue;
      if (!(await deliver(message, host, Number(port), Number(timeout)))) break;
    }
    await sleep(100); // whoever cannot connect does not storm
  }
}

// Puts a charge into the outbox, once for each order.
function take(exam, state) {
  try {
    const [order, text] = fs.readFileSync(exam, "utf8").split("\n");
    const message = path.join(state, encodeURIComponent(order) + ".message");
    if (!fs.existsSync(message)) write(message, Buffer.from(text, "latin1"));
    fs.unlinkSync(exam);
  } catch (error) {
    if (error.code !== "ENOENT") throw error; // a second instance has taken it
  }
}

// Sends a charge. False if there was no connection: then no byte has left, and it may be tried again.
function deliver(message, host, port, timeout) {
  const text = fs.readFileSync(message, "latin1");
  return new Promise((over) => {
    let [connected, heard] = [false, ""];
    const connection = net.connect({ host, port });
    const end = () => (connection.destroy(), over(connected));
    let timer = setTimeout(end, timeout);
    // Once some of it may have arrived, an error changes nothing: it stays unknown.
    connection.on("error", () => {}).on("close", () => (clearTimeout(timer), over(connected)));
    connection.on("connect", () => {
      connected = true;
      if (!mark(sent(message))) return end(); // a second instance has sent it
      clearTimeout(timer);
      timer = setTimeout(end, timeout);
      connection.write(Buffer.from(`\x0b${text}\x1c\r`, "latin1"));
    });
    connection.on("data", (piece) => {
      const frames = (heard + piece.toString("latin1")).split("\x1c\r");
      heard = frames.pop();
      const outcome = frames.map((frame) => answer(frame, text)).find((one) => one);
      if (outcome) write(sent(message), outcome);
      if (outcome || heard.length > 1_000_000) end();
    });
  });
}

// What a frame says of this very message; nothing where it says nothing that can be relied upon.
function answer(frame, message) {
  const header = message.split("\r")[0].split("|");
  const delivered = header[15] === "NE" ? "CA" : "AA";
  const segments = frame.split("\x0b").pop().split("\r");
  const fields = segments.map((segment) => segment.split("|"));
  const about = fields.filter(([name, , id]) => name === "MSA" && id === header[9]);
  if (!segments[0].startsWith("MSH|^~\\&|") || about.length !== 1) return "";
  if (about[0][1] === delivered) return "delivered";
  return ["AE", "AR", "CE", "CR"].includes(about[0][1]) ? "rejected" : "";
}

function account(state) {
  for (const message of list(state, ".message")) {
    const order = decodeURIComponent(path.basename(message, ".message"));
    let outcome = "not-sent";
    if (fs.existsSync(sent(message))) outcome = fs.readFileSync(sent(message), "utf8") || "unknown";
    console.log(JSON.stringify({ order, outcome }));
  }
}

const sent = (message) => message.replace(/\.message$/, ".sent");

// Creates the mark that a byte may have left, on disk; false where it is there already.
function mark(file) {
  try {
    const mark = fs.openSync(file, "wx");
    fs.fsyncSync(mark);
    fs.closeSync(mark);
  } catch (error) {
    if (error.code === "EEXIST") return false;
    throw error;
  }
  sync(path.dirname(file));
  return true;
}

// Writes a file that is there as a whole or not at all.
function write(file, content) {
  const part = `${file}.${process.pid}`;
  fs.writeFileSync(part, content);
  sync(part);
  fs.renameSync(part, file);
  sync(path.dirname(file));
}

function sync(file) {
  const opened = fs.openSync(file, "r");
  fs.fsyncSync(opened);
  fs.closeSync(opened);
}

// The oldest first.
function list(folder, ending) {
  const files = fs.readdirSync(folder).filter((name) => name.endsWith(ending)).sort();
  const age = (file) => fs.statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  const aged = files.map((name) => path.join(folder, name)).map((file) => [age(file), file]);
  return aged.sort(([one], [other]) => one - other).map(([, file]) => file);
}

({ send, account })[process.argv[2]](...process.argv.slice(3));
