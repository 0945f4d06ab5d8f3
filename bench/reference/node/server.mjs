// A chat server on Socket.IO that keeps nothing: PORT and PUBLIC_KEY (Ed25519, PEM) come from the environment.
import { createServer } from "node:http";
import { Server } from "socket.io";
import { signIn } from "./auth.mjs";
import { shaped } from "./message.mjs";

const http = createServer();
const io = new Server(http, { serveClient: false });
let seq = 0;

io.use(signIn);
io.on("connection", (socket) => {
  socket.on("message:send", (data, ack) => {
    const id = `${data.conversationId}:${++seq}`;
    const message = shaped(id, seq, data, socket.data.user, new Date().toISOString());
    io.to(data.conversationId).emit("message:new", message);
    ack({ ok: true, data: message });
  });
  socket.on("answer", (data, ack) => ack({ ok: true, data: "x".repeat(data.size) }));
});
http.listen({ port: Number(process.env.PORT), host: "127.0.0.1", backlog: 4096 });
