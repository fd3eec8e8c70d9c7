// Keeps this process on its own machine: names under .localhost are loopback (RFC 6761, which
// getaddrinfo does not know everywhere), and nothing else is ever connected to.
import dns from "node:dns";

const LOOPBACK = "127.0.0.1";

export function isLocal(hostname) {
  return hostname === LOOPBACK || hostname === "localhost" || hostname.endsWith(".localhost");
}

export function stayOnLoopback() {
  dns.lookup = (hostname, options, callback) => {
    if (typeof options === "function") [options, callback] = [{}, options];
    if (!isLocal(hostname)) {
      const error = new Error(`refused to resolve ${hostname}: not a loopback name`);
      error.code = "ENOTFOUND";
      process.nextTick(callback, error);
    } else if (options?.all) {
      process.nextTick(callback, null, [{ address: LOOPBACK, family: 4 }]);
    } else {
      process.nextTick(callback, null, LOOPBACK, 4);
    }
  };

  const plainFetch = globalThis.fetch;
  globalThis.fetch = (input, init) => {
    const request = new Request(input, init);
    const url = new URL(request.url);
    if (!isLocal(url.hostname)) {
      throw new TypeError(`refused to fetch ${url.href}: not on loopback`);
    }
    // Fedify asks for an acct: resource over https, whatever the scheme of its own origin.
    if (url.protocol === "https:") {
      url.protocol = "http:";
      return plainFetch(new Request(url, request));
    }
    return plainFetch(request);
  };
}
