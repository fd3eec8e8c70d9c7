// Drives masto.js, which Elk and Phanpy are built on.
import { createOAuthAPIClient, createRestAPIClient, createStreamingAPIClient } from 'masto'
import WebSocket from 'ws'
import { readFile } from 'node:fs/promises'
import { Heard, OOB, SCOPES, serve } from './calls.mjs'

// masto.js is for Node.js 22; these are all that 20 lacks.
globalThis.WebSocket ??= WebSocket
Promise.withResolvers ??= () => {
  const made = {}
  made.promise = new Promise((resolve, reject) => Object.assign(made, { resolve, reject }))
  return made
}

let url, registered, api, token
const heard = new Heard()
const picture = async (path) => new File([await readFile(path)], 'a.png', { type: 'image/png' })

/** As masto.js gives it, but for the names, which all clients of these tests give as Mastodon. */
function plain(value) {
  if (Array.isArray(value)) return value.map(plain)
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(
    Object.entries(value).map(([name, held]) => [
      name.replace(/[A-Z]/g, (letter) => '_' + letter.toLowerCase()),
      plain(held),
    ])
  )
}

const calls = {
  async register(asked) {
    url = asked.url
    const scopes = SCOPES.join(' ')
    const open = createRestAPIClient({ url })
    registered = await open.v1.apps.create({ clientName: 'masto.js', redirectUris: OOB, scopes })
    const query = { response_type: 'code', client_id: registered.clientId, redirect_uri: OOB }
    return `${url}/oauth/authorize?${new URLSearchParams({ ...query, scope: scopes })}`
  },
  async sign_in({ code }) {
    const granted = await createOAuthAPIClient({ url }).token.create({
      grantType: 'authorization_code',
      clientId: registered.clientId,
      clientSecret: registered.clientSecret,
      redirectUri: OOB,
      scope: SCOPES.join(' '),
      code,
    })
    token = granted.accessToken
    api = createRestAPIClient({ url, accessToken: token })
    return token
  },
  verify: () => api.v1.accounts.verifyCredentials(),
  upload: async ({ path, description }) =>
    api.v2.media.create({ file: await picture(path), description }),
  post: ({ text, media }) => api.v1.statuses.create({ status: text, mediaIds: media }),
  reply: ({ text, to }) => api.v1.statuses.create({ status: text, inReplyToId: to }),
  edit: ({ id, text }) => api.v1.statuses.$select(id).update({ status: text }),
  delete: ({ id }) => api.v1.statuses.$select(id).remove(),
  favourite: ({ id }) => api.v1.statuses.$select(id).favourite(),
  boost: ({ id }) => api.v1.statuses.$select(id).reblog(),
  async bookmark({ id }) {
    await api.v1.statuses.$select(id).bookmark()
    return api.v1.bookmarks.list()
  },
  find: async ({ handle }) =>
    (await api.v2.search.list({ q: handle, resolve: true, type: 'accounts' })).accounts,
  follow: ({ id }) => api.v1.accounts.$select(id).follow(),
  home: () => api.v1.timelines.home.list(),
  notifications: () => api.v1.notifications.list(),
  async list({ title, account }) {
    const made = await api.v1.lists.create({ title })
    await api.v1.lists.$select(made.id).accounts.create({ accountIds: [account] })
    return {
      lists: await api.v1.lists.list(),
      members: await api.v1.lists.$select(made.id).accounts.list(),
      timeline: await api.v1.timelines.list.$select(made.id).list(),
    }
  },
  async filter({ phrase }) {
    await api.v2.filters.create({
      title: phrase,
      context: ['home'],
      filterAction: 'warn',
      keywordsAttributes: [{ keyword: phrase, wholeWord: true }],
    })
    return (await api.v2.filters.list()).map((one) => one.title)
  },
  poll: ({ text, options }) =>
    api.v1.statuses.create({ status: text, poll: { options, expiresIn: 3600 } }),
  vote: ({ poll, choice }) => api.v1.polls.$select(poll).votes.create({ choices: [choice] }),
  async listen() {
    const instance = await createRestAPIClient({ url }).v2.instance.fetch()
    const streaming = createStreamingAPIClient({
      streamingApiUrl: instance.configuration.urls.streaming,
      accessToken: token,
      implementation: WebSocket,
    })
    await streaming.prepare()
    const stream = streaming.user.subscribe()
    void (async () => {
      for await (const event of stream) if (event.event === 'update') heard.put(event.payload)
    })()
    return true
  },
  hear: () => heard.next(),
  async push({ endpoint, p256dh, auth }) {
    await api.v1.push.subscription.create({
      subscription: { endpoint, keys: { p256dh, auth } },
      data: { alerts: { favourite: true, mention: false } },
    })
    return api.v1.push.subscription.fetch()
  },
}

const named = Object.entries(calls).map(([name, call]) => [
  name,
  async (args) => plain(await call(args)),
])
await serve(Object.fromEntries(named))
