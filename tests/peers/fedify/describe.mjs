// What Fedify's vocabulary understood of a document, as plain JSON for the tests.
import { exportSpki } from "@fedify/fedify";
import jsonld from "jsonld";

const MAX_DEPTH = 8;

async function fetchNothing(url) {
  throw new TypeError(`not fetched while describing: ${url}`);
}

// Every property that Fedify parsed: values, ids (`toIds`, `inboxId`), and embedded objects.
// Only what the document itself holds is shown; nothing is dereferenced.
export async function describe(value, depth = 0) {
  if (value == null || typeof value === "string" || typeof value === "number" ||
      typeof value === "boolean") return value ?? null;
  if (value instanceof URL) return value.href;
  if (value instanceof CryptoKey) {
    return value.algorithm.name === "RSASSA-PKCS1-v1_5" ? await exportSpki(value) : value.algorithm.name;
  }
  if (Array.isArray(value)) {
    return await Promise.all(value.map((item) => describe(item, depth + 1)));
  }
  if (value.constructor?.typeId == null) {
    // LanguageString, Temporal values
    return value.locale == null ? String(value) : { value: String(value), language: String(value.locale) };
  }
  const out = { type: nameOf(value) };
  if (depth > MAX_DEPTH) return out;
  const names = propertyNames(value);
  for (const name of names.getters) {
    const described = await describe(value[name], depth + 1);
    if (isSomething(described)) out[name] = described;
  }
  for (const name of names.methods) {
    const property = name[3].toLowerCase() + name.slice(4);
    const embedded = await readEmbedded(value, name, depth);
    if (isSomething(embedded)) out[property] = embedded;
  }
  return out;
}

// Fedify exports its base class under a name that JavaScript lets it keep: Object.
export function nameOf(object) {
  return object.constructor.name.replace(/\$\d+$/, "");
}

function isSomething(described) {
  return described != null && !(Array.isArray(described) && described.length === 0);
}

function propertyNames(object) {
  const getters = new Set(["id"]);
  const methods = new Set();
  for (let p = Object.getPrototypeOf(object); p !== Object.prototype; p = Object.getPrototypeOf(p)) {
    for (const [name, descriptor] of Object.entries(Object.getOwnPropertyDescriptors(p))) {
      if (name.startsWith("_")) continue;
      if (descriptor.get != null) getters.add(name);
      else if (/^get[A-Z]/.test(name)) methods.add(name);
    }
  }
  // getAttachment + getAttachments: the plural shows all
  for (const name of methods) if (methods.has(`${name}s`)) methods.delete(name);
  return { getters, methods };
}

async function readEmbedded(object, method, depth) {
  const options = { documentLoader: fetchNothing, suppressError: true, crossOrigin: "trust" };
  const result = object[method](options);
  if (typeof result?.[Symbol.asyncIterator] !== "function") {
    return await describe(await result, depth + 1);
  }
  const items = [];
  for await (const item of result) items.push(await describe(item, depth + 1));
  return items;
}

// The document as a JSON-LD processor reads it, every term an IRI; and the terms that its @context
// does not define. (The ActivityStreams context gives those the meaningless IRI `_:term`.)
export async function expand(document, contextLoader) {
  const undefinedTerms = new Set();
  const expanded = await jsonld.expand(document, {
    documentLoader: contextLoader,
    eventHandler: ({ event }) => {
      if (event.level === "warning") {
        undefinedTerms.add(`${event.code}: ${JSON.stringify(event.details)}`);
      }
    },
  });
  findBlankTerms(expanded, undefinedTerms);
  return { expanded, undefinedTerms: [...undefinedTerms] };
}

function findBlankTerms(node, found) {
  if (Array.isArray(node)) {
    for (const item of node) findBlankTerms(item, found);
  } else if (node != null && typeof node === "object") {
    for (const [key, value] of Object.entries(node)) {
      if (key.startsWith("_:")) found.add(key.slice(2));
      if (key === "@type") {
        for (const type of [value].flat()) if (type.startsWith("_:")) found.add(type.slice(2));
      }
      findBlankTerms(value, found);
    }
  }
}

export function explain(error) {
  const parts = [];
  for (let e = error; e != null && parts.length < 5; e = e.cause ?? e.details?.cause) {
    parts.push(`${e.constructor?.name ?? "Error"}: ${e.message ?? e}`);
    if (Array.isArray(e.errors)) parts.push(...e.errors.map((inner) => String(inner?.message ?? inner)));
  }
  return parts.join(" <- ");
}
