// An independent ActivityPub server for Easel's tests, on Fedify.
//
//   node server.mjs [--port N] [--host fedify.localhost] [--first-knock rfc9421|cavage]
//                   [--until-stdin-closes]
//
// Listens on 127.0.0.1 (port 0: any free one), is known as http://HOST:PORT, and prints one line
// of JSON when it is ready. /_control/... is for the test driver.
import { parseNodeInfo } from "@fedify/fedify";
import { Object as APObject } from "@fedify/vocab";
import http from "node:http";
import { parseArgs } from "node:util";
import { describe, expand, explain } from "./describe.mjs";
import { isLocal, stayOnLoopback } from "./loopback.mjs";
import { NAME, Peer, Refusal } from "./peer.mjs";
import { paintPng } from "./picture.mjs";

const MAX_BODY = 4 * 1024 * 1024; // bytes; the tests never send more
const MAX_WAIT = 60; // seconds that a long poll may last
const SPECS = { rfc9421: "rfc9421", cavage: "draft-cavage-http-signatures-12" };

const { values: options } = parseArgs({
  options: {
    port: { type: "string", default: "0" },
    host: { type: "string", default: "fedify.localhost" },
    "first-knock": { type: "string", default: "rfc9421" },
    "until-stdin-closes": { type: "boolean", default: false },
  },
});
if (!isLocal(options.host)) throw new Error("--host must be localhost or end in .localhost");
if (SPECS[options["first-knock"]] == null) throw new Error("--first-knock: rfc9421 or cavage");

if (options["until-stdin-closes"]) { // so that no run of the tests leaves us behind
  process.stdin.on("end", () => process.exit(0)).resume();
}

stayOnLoopback();
const PNG = paintPng();
let peer = null;

const controls = {
  "GET /inbox": async (_body, query) => {
    const wait = Math.min(Number(query.get("wait") ?? 0), MAX_WAIT);
    return { received: await peer.received(Number(query.get("after") ?? 0), wait) };
  },
  "GET /state": () => peer.state(),
  "POST /reset": () => {
    peer.forget();
    return { seq: peer.seq };
  },
  "POST /follow": (body) => peer.follow(body),
  "POST /unfollow": (body) => peer.unfollow(body),
  "POST /create": (body) => peer.create(body),
  "POST /update": (body) => peer.update(body),
  "POST /delete": (body) => peer.delete(body),
  "POST /like": (body) => peer.like(body),
  "POST /unlike": (body) => peer.unlike(body),
  "POST /announce": (body) => peer.announce(body),
  "POST /undo-announce": (body) => peer.unannounce(body),
  "POST /block": (body) => peer.block(body),
  "POST /unblock": (body) => peer.unblock(body),
  "POST /rename": (body) => peer.rename(body),
  "POST /become-bot": () => {
    peer.bot = true;
    return {};
  },
  "POST /leave": () => peer.leave(),
  "POST /send": (body) => peer.send(body),
  "POST /lookup": async (body) => ({
    object: await describe(await peer.lookup(body.uri ?? body.handle, { signed: body.signed })),
  }),
  "POST /read": async (body) => await peer.read(body.uri, { signed: body.signed }),
  "POST /fetch": async (body) => {
    const response = await fetch(body.url, {
      headers: { Accept: body.accept ?? "*/*" }, redirect: "manual",
    });
    return {
      status: response.status, headers: Object.fromEntries(response.headers),
      body: await response.text(),
    };
  },
  "POST /post": async (body) => await peer.post({ ...body, spec: SPECS[body.scheme] }),
  "POST /verifies": async (body) => await peer.verifies(body),
  "POST /require-scheme": (body) => {
    peer.scheme = body.scheme;
    return {};
  },
  "POST /require-signatures": () => {
    peer.secure = true;
    return {};
  },
  "POST /traverse": async (body) => {
    const collection = await peer.lookup(body.uri);
    if (typeof collection.getItems !== "function") throw new Refusal(`${body.uri} is no collection`);
    const documentLoader = await peer.context().getDocumentLoader({ identifier: NAME });
    const items = [];
    for await (const item of peer.context().traverseCollection(collection, { documentLoader })) {
      items.push(await describe(item));
    }
    return { totalItems: collection.totalItems, items };
  },
  "POST /parse": async (body) => {
    const { contextLoader } = peer.context();
    const object = await APObject.fromJsonLd(body.document, { contextLoader });
    return { object: await describe(object), ...await expand(body.document, contextLoader) };
  },
  "POST /webfinger": async (body) => {
    const jrd = await peer.context().lookupWebFinger(body.resource);
    if (jrd == null) throw new Refusal(`no WebFinger answer for ${body.resource}`, 404);
    return { jrd };
  },
  "POST /nodeinfo": async (body) => {
    // Fedify's lookupNodeInfo refuses loopback whatever the settings, so only its parser is used.
    const { links } = await fetchJson(new URL("/.well-known/nodeinfo", body.url));
    const found = [];
    for (const { rel, href } of links) {
      if (!rel.startsWith("http://nodeinfo.diaspora.software/ns/schema/2.")) continue;
      const nodeinfo = parseNodeInfo(await fetchJson(href), { tryBestEffort: false });
      if (nodeinfo == null) throw new Refusal(`${href} is no valid NodeInfo`, 422);
      found.push({ rel, href, nodeinfo });
    }
    return { found };
  },
};

async function control(request, url) {
  const handle = controls[`${request.method} ${url.pathname.slice("/_control".length)}`];
  if (handle == null) return json({ error: "no such control", answered: null }, 404);
  try {
    const text = await request.text();
    return json(await handle(text === "" ? {} : JSON.parse(text), url.searchParams));
  } catch (error) {
    if (!(error instanceof Refusal)) return json({ error: explain(error), answered: null }, 422);
    return json({ error: error.message, answered: error.answered }, error.status);
  }
}

async function fetchJson(url) {
  const response = await fetch(url, { headers: { Accept: "application/json" } });
  if (!response.ok) throw new Refusal(`${url} answered ${response.status}`, 502);
  return await response.json();
}

function json(value, status = 200) {
  return Response.json(value, { status });
}

async function answer(request) {
  const url = new URL(request.url);
  if (url.pathname.startsWith("/_control/")) return await control(request, url);
  if (url.pathname === "/picture.png") {
    return new Response(PNG, { headers: { "Content-Type": "image/png" } });
  }
  if (request.method === "GET" && peer.isGone(url.href)) {
    return new Response(null, { status: 410 });
  }
  const data = {};
  if (request.method === "GET") peer.noteVisit(request, url);
  if (request.method === "POST") {
    // Fedify reads the body from the request; the listeners also want it as it came.
    data.raw = await request.clone().json().catch(() => null);
    data.signature = request.headers.has("signature-input") ? "rfc9421" : "cavage";
    if (peer.scheme != null && peer.scheme !== data.signature) {
      return new Response("signed otherwise", { status: 401 });
    }
  }
  return await peer.federation.fetch(request, { contextData: data });
}

const server = http.createServer(async (incoming, outgoing) => {
  try {
    const body = await readBody(incoming);
    const request = new Request(`http://${incoming.headers.host}${incoming.url}`, {
      method: incoming.method,
      headers: Object.entries(incoming.headersDistinct).flatMap(([name, values]) =>
        values.map((value) => [name, value])),
      body: body.length > 0 ? body : undefined,
    });
    const response = await answer(request);
    outgoing.writeHead(response.status, Object.fromEntries(response.headers));
    outgoing.end(Buffer.from(await response.arrayBuffer()));
  } catch (error) {
    console.error(error);
    outgoing.writeHead(500, { "Content-Type": "text/plain" });
    outgoing.end(explain(error));
  }
});

async function readBody(incoming) {
  const chunks = [];
  let size = 0;
  for await (const chunk of incoming) {
    size += chunk.length;
    if (size > MAX_BODY) throw new Error("body too large");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

server.listen(Number(options.port), "127.0.0.1", async () => {
  const { port } = server.address();
  const origin = `http://${options.host}:${port}`;
  peer = new Peer({ origin, firstKnock: SPECS[options["first-knock"]] });
  const keys = await peer.context().getActorKeyPairs(NAME); // made now, not in the first request
  console.log(JSON.stringify({
    ready: true, origin, port, actor: `${origin}/users/${NAME}`,
    handle: `${NAME}@${options.host}:${port}`, keyId: keys[0].keyId.href, node: process.version,
  }));
});
