// What both Node drivers share: one call a line on stdin, what it gave on stdout.
import { createInterface } from 'node:readline'

export const SCOPES = ['read', 'write', 'follow', 'push']
export const OOB = 'urn:ietf:wg:oauth:2.0:oob'
const PATIENCE_MS = 20_000

/** Keeps what comes until somebody asks for it. */
export class Heard {
  #come = []
  #waiting = []
  put(one) {
    const next = this.#waiting.shift()
    if (next) next(one)
    else this.#come.push(one)
  }
  async next() {
    if (this.#come.length) return this.#come.shift()
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error('nothing came')), PATIENCE_MS)
      this.#waiting.push((one) => (clearTimeout(timer), resolve(one)))
    })
  }
}

export async function serve(app) {
  for await (const line of createInterface({ input: process.stdin })) {
    const { call, ...args } = JSON.parse(line)
    let told
    try {
      told = { gave: (await app[call](args)) ?? null }
    } catch (error) {
      const said = error.response?.data ?? error.cause ?? ''
      told = { failed: `${error.message} ${JSON.stringify(said)}` }
    }
    process.stdout.write(JSON.stringify(told) + '\n')
  }
  process.exit(0)
}
