// Sends one message with the npm package `simple-hl7`; exits with 0 if it was accepted.
const fs = require("fs");
const hl7 = require("simple-hl7");

const [host, port, path, timeout] = process.argv.slice(2);
const message = new hl7.Parser().parse(fs.readFileSync(path, "latin1"));
const client = hl7.Server.createTcpClient(host, Number(port));

setTimeout(() => process.exit(1), Number(timeout));
client.send(message, (error, answer) => {
  if (error) process.exit(1);
  const msa = answer.getSegment("MSA");
  process.exit(msa && msa.getField(1) === "AA" ? 0 : 1);
});
