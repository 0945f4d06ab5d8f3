// A stock socket.io-client that a test drives: commands as JSON lines on standard input, what happens as JSON lines on
// standard output. Commands: {do: "connect", url, options}, {do: "call", id, event, data}, {do: "cut"}, {do: "close"},
// {do: "transport", id}. What happens: {answer: id, data}, {event, data}, {state, …} for the connection itself.
import { createInterface } from "node:readline";
import { io } from "socket.io-client";

let socket = null;

const say = (what) => process.stdout.write(JSON.stringify(what) + "\n");

const commands = {
  connect({ url, options }) {
    socket = io(url, options);
    socket.on("connect", () => {
      say({ state: "connect", transport: socket.io.engine.transport.name, recovered: Boolean(socket.recovered) });
    });
    socket.on("connect_error", (error) => say({ state: "connect_error", message: error.message, data: error.data }));
    socket.on("disconnect", (reason) => say({ state: "disconnect", reason }));
    socket.onAny((event, data, ...more) => say({ event, data, more }));
  },
  async call({ id, event, data }) {
    say({ answer: id, data: await socket.timeout(10_000).emitWithAck(event, data) });
  },
  cut() {
    // What a lost network does: the TCP connection ends, without a word of either protocol.
    socket.io.engine.transport.ws.terminate();
  },
  transport({ id }) {
    say({ answer: id, data: socket.io.engine.transport.name });
  },
  close() {
    socket.close();
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line);
  // Commands run side by side, as an application's own calls would.
  Promise.resolve(commands[command.do](command)).catch((error) => {
    say({ answer: command.id, failed: String(error) });
  });
}
socket?.close();
// The client's own time-outs (30 s for a WebSocket's goodbye) would keep the process alive, if anything goes wrong there.
setTimeout(() => process.exit(0), 2_000).unref();
