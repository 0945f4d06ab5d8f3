// Chat from a terminal: `node examples/client.mjs ada` listens, `node examples/client.mjs bob ada` writes to her.
// It needs socket.io-client 4: npm install socket.io-client
import { randomUUID } from "node:crypto";
import { createInterface } from "node:readline";
import { io } from "socket.io-client";

const [name, friend, url = "http://127.0.0.1:8080"] = process.argv.slice(2);
const headers = { "Content-Type": "application/json" };
const post = (path, body) => fetch(url + path, { method: "POST", headers, body: JSON.stringify(body) });

const account = { username: name, password: `the secret of ${name}` };
const person = { email: `${name}@example.com`, displayName: name, acceptTerms: true };
let answer = await post("/api/auth/login", account);
if (answer.status === 401) answer = await post("/api/auth/register", { ...account, ...person }); // no such account yet
const me = await answer.json();
if (!answer.ok) throw new Error(me.message);

const client = io(url, { auth: { token: me.tokens.accessToken }, transports: ["websocket"] });
client.on("connect_error", (error) => console.error(error.message));
client.on("message:new", async (message) => {
  if (message.senderId === me.user.id) return;
  const sender = await client.emitWithAck("users:get", { userId: message.senderId });
  console.log(`${sender.data.displayName}: ${message.content}`);
});
client.on("friend:request", (request) => client.emitWithAck("friends:accept", { friendshipId: request.id }));
const friends = new Promise((resolve) => client.on("friend:accepted", resolve));

if (friend) {
  const found = await client.emitWithAck("users:search", { q: friend });
  const friendId = found.data.users[0].id;
  const request = await client.emitWithAck("friends:request", { recipientId: friendId });
  if (request.ok) await friends; // a stranger could say one thing only; this waits until the other accepts
  const withFriend = { type: "direct", participantIds: [friendId] };
  const chat = await client.emitWithAck("conversations:create", withFriend);
  for await (const line of createInterface({ input: process.stdin })) {
    const text = { type: "text", content: line, clientMessageId: randomUUID() };
    await client.emitWithAck("message:send", { conversationId: chat.data.id, ...text });
  }
  client.disconnect();
} else {
  client.on("session:ready", () => console.log(`${name} is listening`));
}
