// Many stock socket.io-clients in one process: each connects, writes notes to the next, and hears those of the one
// before it. The one argument is JSON {url, count, notes, transports?}; the result is one line of JSON.
import { once } from "node:events";
import { io } from "socket.io-client";

const { url, count, notes, transports } = JSON.parse(process.argv[2]);
const result = { acks: 0, heard: 0, errors: [], used: [], workers: [] };
let closing = false;

class Member {
  constructor(number) {
    this.number = number;
    const options = { forceNew: true, reconnection: false, auth: { token: `user:js${number}` } };
    this.socket = io(url, transports ? { ...options, transports } : options);
    this.socket.on("connect_error", (error) => this.fail(`${error.message} ${JSON.stringify(error.context?.responseText)}`));
    this.socket.on("disconnect", (reason) => closing || this.fail(reason));
    this.full = new Promise((resolve) => {
      let heard = 0;
      const before = `js${(number + count - 1) % count}`;
      this.socket.on("note:new", ({ author, text }) => {
        if (author !== before) return;
        if (text !== String(heard++)) this.fail(`${text} out of order`);
        result.heard++;
        if (heard === notes) resolve();
      });
    });
  }

  fail(why) {
    result.errors.push(`js${this.number}: ${why}`);
  }

  async write() {
    for (let turn = 0; turn < notes; turn++) {
      const to = [`js${(this.number + 1) % count}`];
      const answer = await this.socket.timeout(20_000).emitWithAck("note:write", { text: String(turn), to });
      if (answer.ok) result.acks++;
      else this.fail(JSON.stringify(answer));
    }
  }

  async settle() {
    const engine = this.socket.io.engine;
    if (!transports && engine.transport.name !== "websocket") await once(engine, "upgrade");
    result.used.push(engine.transport.name);
    result.workers.push(engine.id.slice(0, 3));
  }
}

const members = Array.from({ length: count }, (_, number) => new Member(number));
const late = new Promise((_, reject) => setTimeout(() => reject(new Error("it takes too long")), 40_000).unref());
try {
  await Promise.race([Promise.all(members.map(({ socket }) => once(socket, "connect"))), late]);
  await Promise.race([Promise.all(members.map((one) => one.write())), late]);
  await Promise.race([Promise.all(members.flatMap((one) => [one.full, one.settle()])), late]);
} catch (error) {
  result.errors.push(String(error));
}
closing = true;
members.forEach(({ socket }) => socket.close());
for (const name of ["used", "workers"]) result[name] = [...new Set(result[name])].sort();
console.log(JSON.stringify(result));
