// A chat server on Socket.IO that keeps messages: checked, authorised, written by a majority to disk, then told and acked.
// PORT, PUBLIC_KEY (Ed25519, PEM), MONGODB_URL and REDIS_URL come from the environment.
import { createServer } from "node:http";
import { createShardedAdapter } from "@socket.io/redis-adapter";
import { MongoClient, ObjectId } from "mongodb";
import { createClient } from "redis";
import { Server } from "socket.io";
import { signIn } from "./auth.mjs";
import { shaped } from "./message.mjs";

const mongo = await new MongoClient(process.env.MONGODB_URL).connect();
const messages = mongo.db("bench_node").collection("messages", { writeConcern: { w: "majority", journal: true } });
await messages.createIndex({ conversationId: 1, createdAt: 1 });
await messages.createIndex({ conversationId: 1, senderId: 1, clientMessageId: 1 }, { unique: true });

const publisher = createClient({ url: process.env.REDIS_URL });
const subscriber = publisher.duplicate();
await Promise.all([publisher.connect(), subscriber.connect()]);

const http = createServer();
const io = new Server(http, { serveClient: false, adapter: createShardedAdapter(publisher, subscriber) });

function fault(data) {
  if (typeof data?.conversationId !== "string") return "conversationId";
  if (data.type !== "text") return "type";
  if (typeof data.content !== "string" || !data.content.trim() || data.content.length > 4096) return "content";
  if (typeof data.clientMessageId !== "string" || data.clientMessageId.length > 64) return "clientMessageId";
  return null;
}

io.use(signIn);
io.on("connection", (socket) => {
  socket.on("message:send", async (data, ack) => {
    const field = fault(data);
    if (field) return ack({ ok: false, error: { code: "invalid", field } });
    if (!socket.rooms.has(data.conversationId)) return ack({ ok: false, error: { code: "not_found" } });
    const _id = new ObjectId();
    const message = shaped(_id.toHexString(), 0, data, socket.data.user, new Date());
    try {
      await messages.insertOne({ _id, ...message });
    } catch (error) {
      return ack({ ok: false, error: { code: error.code === 11000 ? "duplicate" : "unavailable" } });
    }
    io.to(data.conversationId).emit("message:new", message);
    ack({ ok: true, data: message });
  });
});
http.listen({ port: Number(process.env.PORT), host: "127.0.0.1", backlog: 4096 });
