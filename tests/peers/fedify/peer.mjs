// The peer: one actor, carol, on a Fedify federation with everything kept in memory.
import {
  createFederation, generateCryptoKeyPair, getDocumentLoader, MemoryKvStore,
  signRequest, verifyObject,
} from "@fedify/fedify";
import {
  Accept, Activity, Announce, Block, Create, Delete, Document, Endpoints, Follow, Image,
  isActor, Like, lookupObject, Mention, Note, Object as APObject, Person, PUBLIC_COLLECTION,
  Service, Tombstone, Undo, Update,
} from "@fedify/vocab";
import { Temporal } from "@js-temporal/polyfill";
import { randomUUID } from "node:crypto";
import { describe, expand, explain, nameOf } from "./describe.mjs";
import { HEIGHT, WIDTH } from "./picture.mjs";

export const NAME = "carol";
const PAGE = 5; // items per collection page: small, so that a few posts make pages

// An answer to the test driver that is not a success.
export class Refusal extends Error {
  constructor(message, status = 400, answered = null) {
    super(message);
    this.status = status;
    this.answered = answered; // the status of the other server's answer, if there was one
  }
}

export class Peer {
  #keyPairs = null;
  #kv = null;

  constructor({ origin, firstKnock }) {
    this.origin = origin;
    this.inbox = []; // {seq, ...}: every verified activity, in the order of arrival
    this.seq = 0;
    this.waiters = new Set();
    this.forget();
    // Reached through `this`, so that `forget` can put an empty store in its place.
    const kv = {
      get: (...args) => this.#kv.get(...args),
      set: (...args) => this.#kv.set(...args),
      delete: (...args) => this.#kv.delete(...args),
      cas: (...args) => this.#kv.cas(...args),
      list: (...args) => this.#kv.list(...args),
    };
    this.federation = createFederation({
      kv, origin, firstKnock, allowPrivateAddress: true, userAgent: "fedify-peer/2.3.6",
    });
    this.#dispatch();
    this.#listen();
  }

  // Everything but the keys.
  forget() {
    this.#kv = new MemoryKvStore();
    this.inbox.length = 0;
    this.refused = []; // deliveries to us that did not verify, and errors of our own listeners
    this.visits = []; // {path, keyId}: who read what; keyId is null for an unsigned GET
    this.name = "Carol of Fedify";
    this.bot = false; // whether carol says that she is a program
    this.gone = false; // whether carol deleted her account
    this.scheme = null; // "rfc9421" or "cavage": what a POST must be signed by; null: by any
    this.secure = false; // whether our documents need a signature, as GoToSocial's do
    this.followers = new Map(); // actor id -> recipient
    this.following = new Map(); // actor id -> {follow, accepted}
    this.notes = new Map(); // note id -> {note, deleted}
    this.activities = new Map(); // activity id -> Activity, newest last
    this.deeds = new Map(); // "Like <object id>" -> Activity, to be undone
  }

  noteVisit(request, url) {
    const signature = request.headers.get("signature-input") ?? request.headers.get("signature");
    const keyId = /keyid="([^"]*)"/i.exec(signature ?? "")?.[1] ?? null;
    this.visits.push({ path: url.pathname, keyId });
  }

  async #welcome(ctx) {
    return !this.secure || (await ctx.getSignedKeyOwner()) != null;
  }

  context(data) {
    return this.federation.createContext(new URL(this.origin), data ?? {});
  }

  #uri(kind) {
    return new URL(`/${kind}/${randomUUID()}`, this.origin);
  }

  async #keys() {
    this.#keyPairs ??= [
      await generateCryptoKeyPair("RSASSA-PKCS1-v1_5"),
      await generateCryptoKeyPair("Ed25519"),
    ];
    return this.#keyPairs;
  }

  // ---- what others can read ---------------------------------------------------------------

  #dispatch() {
    const f = this.federation;
    f.setActorDispatcher("/users/{identifier}", async (ctx, identifier) => {
      if (identifier !== NAME) return null;
      return await this.#person(ctx);
    }).setKeyPairsDispatcher(async (_ctx, identifier) =>
      identifier === NAME ? await this.#keys() : [])
      .authorize((ctx) => this.#welcome(ctx));

    f.setObjectDispatcher(Note, "/notes/{id}", (ctx, { id }) => {
      const entry = this.notes.get(new URL(`/notes/${id}`, this.origin).href);
      return entry == null || entry.deleted ? null : entry.note;
    }).authorize(async (ctx, { id }) => {
      const note = this.notes.get(new URL(`/notes/${id}`, this.origin).href)?.note;
      if (note == null || isPublic(note)) return await this.#welcome(ctx);
      const reader = (await ctx.getSignedKeyOwner())?.id?.href;
      if (reader == null) return false;
      const audience = [...note.toIds, ...note.ccIds].map((uri) => uri.href);
      return audience.includes(reader) ||
        (audience.includes(ctx.getFollowersUri(NAME).href) && this.followers.has(reader));
    });
    f.setObjectDispatcher(Activity, "/activities/{id}", (ctx, { id }) =>
      this.activities.get(new URL(`/activities/${id}`, this.origin).href) ?? null);

    this.#collection(f.setFollowersDispatcher.bind(f), "followers", () =>
      [...this.followers.values()]);
    this.#collection(f.setFollowingDispatcher.bind(f), "following", () =>
      [...this.following].filter(([, { accepted }]) => accepted).map(([id]) => new URL(id)));
    this.#collection(f.setOutboxDispatcher.bind(f), "outbox", () =>
      [...this.activities.values()].reverse().filter((activity) =>
        activity instanceof Create && isPublic(activity)));
    f.setNodeInfoDispatcher("/nodeinfo/2.1", () => ({
      software: { name: "fedify-peer", version: "2.3.6" },
      protocols: ["activitypub"],
      usage: { users: { total: 1 }, localPosts: this.notes.size, localComments: 0 },
    }));
  }

  async #person(ctx) {
    const keys = await ctx.getActorKeyPairs(NAME);
    return new (this.bot ? Service : Person)({
      id: ctx.getActorUri(NAME),
      preferredUsername: NAME,
      name: this.name,
      summary: "<p>Paints with Fedify.</p>",
      url: new URL(`/@${NAME}`, this.origin),
      icon: new Image({ url: new URL("/picture.png", this.origin), mediaType: "image/png" }),
      inbox: ctx.getInboxUri(NAME),
      outbox: ctx.getOutboxUri(NAME),
      followers: ctx.getFollowersUri(NAME),
      following: ctx.getFollowingUri(NAME),
      endpoints: new Endpoints({ sharedInbox: ctx.getInboxUri() }),
      publicKey: keys[0].cryptographicKey,
      assertionMethods: keys.map((key) => key.multikey),
      published: Temporal.Instant.from("2026-01-02T03:04:05Z"),
    });
  }

  #collection(setDispatcher, name, items) {
    setDispatcher(`/users/{identifier}/${name}`, (_ctx, identifier, cursor) => {
      if (identifier !== NAME) return null;
      if (cursor == null) return { items: items() };
      const start = Number(cursor);
      const rest = items().slice(start);
      return {
        items: rest.slice(0, PAGE),
        nextCursor: rest.length > PAGE ? String(start + PAGE) : null,
      };
    }).setCounter(() => items().length).setFirstCursor(() => "0");
  }

  // ---- what others tell us ----------------------------------------------------------------

  #listen() {
    this.federation.setInboxListeners("/users/{identifier}/inbox", "/inbox")
      .setSharedKeyDispatcher(() => ({ identifier: NAME }))
      .on(Follow, async (ctx, follow) => {
        await this.#record(ctx, follow);
        if (follow.objectId?.href !== ctx.getActorUri(NAME).href) return;
        const follower = await follow.getActor(ctx);
        if (!isActor(follower) || follower.inboxId == null) return;
        this.followers.set(follower.id.href, recipientOf(follower));
        const accept = new Accept({
          id: this.#uri("activities"), actor: ctx.getActorUri(NAME), object: follow,
          to: follower.id,
        });
        await this.#send(accept, [follower]);
      })
      .on(Accept, async (ctx, accept) => {
        const { object } = await this.#record(ctx, accept);
        const entry = this.following.get(accept.actorId?.href);
        const answers = accept.objectId?.href === entry?.follow.id.href ||
          object instanceof Follow && object.actorId?.href === ctx.getActorUri(NAME).href;
        if (entry != null && answers) entry.accepted = true;
      })
      .on(Undo, async (ctx, undo) => {
        const { object } = await this.#record(ctx, undo);
        if (object instanceof Follow && object.actorId?.href === undo.actorId?.href) {
          this.followers.delete(undo.actorId.href);
        }
      })
      .on(Block, async (ctx, block) => {
        await this.#record(ctx, block);
        this.followers.delete(block.actorId?.href);
      })
      .on(Activity, async (ctx, activity) => {
        await this.#record(ctx, activity);
      })
      .onUnverifiedActivity((ctx, activity, reason) => {
        this.refused.push({
          activity: activity.id?.href ?? null, reason: reason.type, detail: String(
            reason.keyId?.href ?? ""), result: explainKey(reason.result),
        });
      })
      .onError((_ctx, error) => {
        this.refused.push({ activity: null, reason: "error", detail: explain(error) });
      });
  }

  // Keeps a verified activity for the test driver. The object is what Fedify's own origin rules
  // let us have: embedded if it is of the sender's origin, fetched with our key otherwise.
  async #record(ctx, activity) {
    let object = null;
    if (!(activity instanceof Delete)) {
      const documentLoader = await ctx.getDocumentLoader({ identifier: NAME });
      object = await activity.getObject({ ...ctx, documentLoader, suppressError: true });
    }
    const { expanded, undefinedTerms } = await expand(ctx.data.raw, ctx.contextLoader);
    this.inbox.push({
      seq: ++this.seq,
      type: nameOf(activity),
      id: activity.id?.href ?? null,
      actor: activity.actorId?.href ?? null,
      objectId: activity.objectId?.href ?? null,
      object: await describe(object),
      activity: await describe(activity),
      inbox: ctx.recipient ?? "shared",
      signature: ctx.data.signature,
      raw: ctx.data.raw,
      expanded,
      undefinedTerms,
    });
    for (const wake of this.waiters) wake();
    return { object };
  }

  // Verified activities after number `after`; waits up to `seconds` for the first.
  async received(after, seconds) {
    const fresh = () => this.inbox.filter((entry) => entry.seq > after);
    if (fresh().length === 0 && seconds > 0) {
      await new Promise((resolve) => {
        const wake = () => {
          clearTimeout(timer);
          this.waiters.delete(wake);
          resolve();
        };
        const timer = setTimeout(wake, seconds * 1000);
        this.waiters.add(wake);
      });
    }
    return fresh();
  }

  // ---- what we do to others ---------------------------------------------------------------

  // Sends one activity; answers {activity, delivered} or throws Refusal with the peer's answer.
  async #send(activity, recipients) {
    this.activities.set(activity.id.href, activity);
    try {
      await this.context().sendActivity({ identifier: NAME }, recipients, activity, {
        preferSharedInbox: true,
      });
    } catch (error) {
      const failed = error.errors?.[0] ?? error; // AggregateError for several inboxes
      throw new Refusal(`${nameOf(activity)} was not taken: ${explain(error)}`, 502,
        failed.statusCode ?? null);
    }
    return activity;
  }

  // POSTs a document as it stands, signed by carol and by one scheme only; the answer.
  async post({ document, url, spec }) {
    const [{ privateKey, keyId }] = await this.context().getActorKeyPairs(NAME);
    const request = new Request(url, {
      method: "POST",
      headers: { "Content-Type": "application/activity+json" },
      body: JSON.stringify(document),
    });
    const response = await fetch(await signRequest(request, privateKey, keyId, { spec }));
    return { status: response.status, body: await response.text() };
  }

  // Whether Fedify believes the proof in an activity.
  async verifies({ document }) {
    const { contextLoader } = this.context();
    const documentLoader = await this.#loader(true);
    const found = await verifyObject(Activity, document, { contextLoader, documentLoader });
    return { verified: found != null };
  }

  // Looks up without the cache, signed by carol (or not).
  async lookup(identifier, { signed = true } = {}) {
    const options = {
      documentLoader: await this.#loader(signed), contextLoader: this.context().contextLoader,
      allowPrivateAddress: true, crossOrigin: "throw",
    };
    const object = await lookupObject(identifier, options);
    if (object != null) return object;
    // lookupObject answers null for every failure: ask again for the reason.
    if (!/^https?:/.test(identifier)) throw new Refusal(`nothing found for ${identifier}`, 404);
    await this.read(identifier, { signed });
    throw new Refusal(`nothing found at ${identifier}`, 404);
  }

  async #loader(signed) {
    return signed
      ? await this.context().getDocumentLoader({ identifier: NAME })
      : getDocumentLoader({ allowPrivateAddress: true });
  }

  // The very document at an address, and how it is understood.
  async read(uri, { signed = true } = {}) {
    const { contextLoader } = this.context();
    const { document, documentUrl } = await (await this.#loader(signed))(uri);
    const object = await APObject.fromJsonLd(document, {
      contextLoader, baseUrl: new URL(documentUrl),
    });
    return { document, object: await describe(object), ...await expand(document, contextLoader) };
  }

  async #actor(identifier) {
    const actor = await this.lookup(identifier);
    if (!isActor(actor)) throw new Refusal(`${identifier} is no actor`, 404);
    if (actor.inboxId == null) throw new Refusal(`${identifier} has no inbox`, 404);
    return actor;
  }

  async #objectWithAuthor(identifier) {
    const object = await this.lookup(identifier);
    if (object.attributionId == null) throw new Refusal(`${identifier} has no author`, 404);
    return [object, await this.#actor(object.attributionId.href)];
  }

  async follow({ actor, handle }) {
    const target = await this.#actor(actor ?? handle);
    const follow = new Follow({
      id: this.#uri("activities"), actor: this.context().getActorUri(NAME), object: target.id,
      to: target.id,
    });
    this.following.set(target.id.href, { follow, accepted: false });
    return await this.#do(follow, target.id, [target]);
  }

  async unfollow({ actor, handle }) {
    const target = await this.#actor(actor ?? handle);
    this.following.delete(target.id.href);
    return await this.#undo("Follow", target.id, [target]);
  }

  async block({ actor }) {
    const target = await this.#actor(actor);
    this.followers.delete(target.id.href);
    const block = new Block({
      id: this.#uri("activities"), actor: this.context().getActorUri(NAME), object: target.id,
      to: target.id,
    });
    return await this.#do(block, target.id, [target]);
  }

  async unblock({ actor }) {
    const target = await this.#actor(actor);
    return await this.#undo("Block", target.id, [target]);
  }

  async like({ object: uri }) {
    const [object, author] = await this.#objectWithAuthor(uri);
    const like = new Like({
      id: this.#uri("activities"), actor: this.context().getActorUri(NAME), object: object.id,
      to: author.id,
    });
    return await this.#do(like, object.id, [author]);
  }

  async unlike({ object: uri }) {
    const [object, author] = await this.#objectWithAuthor(uri);
    return await this.#undo("Like", object.id, [author]);
  }

  async announce({ object: uri }) {
    const ctx = this.context();
    const [object, author] = await this.#objectWithAuthor(uri);
    const announce = new Announce({
      id: this.#uri("activities"), actor: ctx.getActorUri(NAME), object: object.id,
      to: PUBLIC_COLLECTION, ccs: [ctx.getFollowersUri(NAME), author.id],
      published: Temporal.Now.instant(),
    });
    return await this.#do(announce, object.id, [author, ...this.followers.values()]);
  }

  async unannounce({ object: uri }) {
    const [object, author] = await this.#objectWithAuthor(uri);
    return await this.#undo("Announce", object.id, [author, ...this.followers.values()]);
  }

  async #do(activity, target, recipients) {
    this.deeds.set(`${activity.constructor.name} ${target.href}`, activity);
    return { activity: (await this.#send(activity, recipients)).id.href };
  }

  async #undo(type, target, recipients) {
    const done = this.deeds.get(`${type} ${target.href}`);
    if (done == null) throw new Refusal(`no ${type} of ${target.href} to undo`, 404);
    this.deeds.delete(`${type} ${target.href}`);
    const undo = new Undo({
      id: this.#uri("activities"), actor: done.actorId, object: done, tos: done.toIds,
      ccs: done.ccIds,
    });
    return { activity: (await this.#send(undo, recipients)).id.href, undone: done.id.href };
  }

  async create({ content, to = [], image = false, alt = null, inReplyTo = null,
    visibility = "public", sensitive = false, summary = null }) {
    const ctx = this.context();
    const mentioned = [];
    for (const uri of to) mentioned.push(await this.#actor(uri));
    if (inReplyTo != null) {
      const [, author] = await this.#objectWithAuthor(inReplyTo);
      if (!mentioned.some((actor) => actor.id.href === author.id.href)) mentioned.push(author);
    }
    const id = this.#uri("notes");
    const [tos, ccs] = audience(visibility, ctx.getFollowersUri(NAME),
      mentioned.map((actor) => actor.id));
    const note = new Note({
      id,
      attribution: ctx.getActorUri(NAME),
      content,
      summary,
      sensitive,
      url: id,
      published: Temporal.Now.instant(),
      replyTarget: inReplyTo == null ? null : new URL(inReplyTo),
      tags: mentioned.map((actor) => new Mention({
        href: actor.id, name: `@${actor.preferredUsername}@${actor.id.host}`,
      })),
      attachments: image ? [picture(this.origin, alt)] : [],
      tos,
      ccs,
    });
    const create = new Create({
      id: this.#uri("activities"), actor: note.attributionId, object: note, tos, ccs,
      published: note.published,
    });
    this.notes.set(id.href, { note, deleted: false, mentioned });
    await this.#send(create, this.#audienceOf(id.href));
    return { activity: create.id.href, object: id.href };
  }

  async update({ object: uri, content }) {
    const entry = this.#own(uri);
    entry.note = entry.note.clone({ content, updated: Temporal.Now.instant() });
    const update = new Update({
      id: this.#uri("activities"), actor: entry.note.attributionId, object: entry.note,
      tos: entry.note.toIds, ccs: entry.note.ccIds,
    });
    return { activity: (await this.#send(update, this.#audienceOf(uri))).id.href, object: uri };
  }

  async delete({ object: uri }) {
    const entry = this.#own(uri);
    const recipients = this.#audienceOf(uri);
    entry.deleted = true;
    const remove = new Delete({
      id: this.#uri("activities"), actor: entry.note.attributionId,
      object: new Tombstone({ id: entry.note.id }), tos: entry.note.toIds, ccs: entry.note.ccIds,
    });
    return { activity: (await this.#send(remove, recipients)).id.href, object: uri };
  }

  async rename({ name }) {
    const ctx = this.context();
    this.name = name;
    const update = new Update({
      id: this.#uri("activities"), actor: ctx.getActorUri(NAME), object: await this.#person(ctx),
      to: PUBLIC_COLLECTION, cc: ctx.getFollowersUri(NAME),
    });
    return { activity: (await this.#send(update, [...this.followers.values()])).id.href };
  }

  async leave() {
    const actor = this.context().getActorUri(NAME);
    this.gone = true;
    const remove = new Delete({
      id: this.#uri("activities"), actor, object: actor, to: PUBLIC_COLLECTION,
    });
    return { activity: (await this.#send(remove, [...this.followers.values()])).id.href };
  }

  // Sends any activity under our signature, as it stands: for what a well-behaved peer never says.
  async send({ document, to }) {
    const activity = await Activity.fromJsonLd(document, this.context());
    return { activity: (await this.#send(activity, [await this.#actor(to)])).id.href };
  }

  isGone(url) {
    return this.notes.get(url)?.deleted ||
      (this.gone && url === this.context().getActorUri(NAME).href);
  }

  #own(uri) {
    const entry = this.notes.get(uri);
    if (entry == null || entry.deleted) throw new Refusal(`${uri} is no note of ours`, 404);
    return entry;
  }

  // Fedify folds recipients that share an inbox into one delivery.
  #audienceOf(uri) {
    const { note, mentioned } = this.notes.get(uri);
    const followers = this.context().getFollowersUri(NAME).href;
    const toFollowers = [...note.toIds, ...note.ccIds].some((id) => id.href === followers);
    return [...mentioned, ...(toFollowers ? this.followers.values() : [])];
  }

  state() {
    return {
      actor: this.context().getActorUri(NAME).href,
      followers: [...this.followers.keys()],
      following: [...this.following].filter(([, e]) => e.accepted).map(([id]) => id),
      requested: [...this.following].filter(([, e]) => !e.accepted).map(([id]) => id),
      notes: [...this.notes].filter(([, e]) => !e.deleted).map(([id]) => id),
      refused: this.refused,
      visits: this.visits,
    };
  }
}

function isPublic(object) {
  return [...object.toIds, ...object.ccIds].some((uri) => uri.href === PUBLIC_COLLECTION.href);
}

function audience(visibility, followers, mentioned) {
  switch (visibility) {
    case "public": return [[PUBLIC_COLLECTION], [followers, ...mentioned]];
    case "unlisted": return [[followers, ...mentioned], [PUBLIC_COLLECTION]];
    case "followers": return [[followers, ...mentioned], []];
    case "direct": return [mentioned, []];
    default: throw new Refusal(`unknown visibility ${visibility}`);
  }
}

function recipientOf(actor) {
  return { id: actor.id, inboxId: actor.inboxId, endpoints: actor.endpoints };
}

function picture(origin, alt) {
  return new Document({
    mediaType: "image/png", url: new URL("/picture.png", origin), name: alt, width: WIDTH,
    height: HEIGHT,
  });
}

function explainKey(result) {
  if (result == null) return null;
  return result.status ?? explain(result.error);
}
