// Sends a message with the npm package `simple-hl7` to each address, and prints what it received:
// the text that the package is about to parse, in the frame that it took it out of.
const fs = require("fs");
const { createRequire } = require("module");
const hl7 = createRequire(process.env.CLIENTS + "/")("simple-hl7");

const [path, ...addresses] = process.argv.slice(2);
const framed = fs.readFileSync(path, "latin1");
const message = framed.slice(1, -2);

function send(address) {
  const [host, port] = address.split(":");
  return new Promise((resolve, reject) => {
    const client = hl7.Server.createTcpClient(host, Number(port));
    client.parser.parse = (text) => {
      resolve(text);
      return text;
    };
    client.send(message, (error) => error && reject(error));
  });
}

(async () => {
  for (const address of addresses) {
    const text = await send(address);
    console.log(Buffer.from("\x0b" + text + "\x1c\r", "latin1").toString("hex"));
  }
  process.exit(0);
})();
