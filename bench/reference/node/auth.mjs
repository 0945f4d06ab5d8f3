// Checks the Ed25519 access token of a handshake with Node's own crypto, which is faster than any package.
import { createPublicKey, verify } from "node:crypto";

const key = createPublicKey(process.env.PUBLIC_KEY);

export function signIn(socket, next) {
  const { token, rooms } = socket.handshake.auth;
  const parts = typeof token === "string" ? token.split(".") : [];
  if (parts.length !== 3) return next(new Error("unauthenticated"));
  const signed = Buffer.from(`${parts[0]}.${parts[1]}`);
  try {
    const header = JSON.parse(Buffer.from(parts[0], "base64url"));
    const claims = JSON.parse(Buffer.from(parts[1], "base64url"));
    const fine =
      header.alg === "EdDSA" &&
      verify(null, signed, key, Buffer.from(parts[2], "base64url")) &&
      claims.aud === "mixee" &&
      claims.iss === "mixee" &&
      claims.exp > Date.now() / 1000;
    if (!fine) return next(new Error("unauthenticated"));
    socket.data.user = claims.sub;
  } catch {
    return next(new Error("unauthenticated"));
  }
  for (const room of rooms ?? []) socket.join(room);
  next();
}
