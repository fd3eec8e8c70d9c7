// Drives megalodon, which Whalebird and Fedistar are built on.
import generator, { detector } from 'megalodon'
import { createReadStream } from 'node:fs'
import { Heard, OOB, SCOPES, serve } from './calls.mjs'

let url, software, registered, api, token
const heard = new Heard()
const data = async (answer) => (await answer).data

await serve({
  async register(asked) {
    url = asked.url
    software = await detector(url)
    api = generator(software, url)
    registered = await api.registerApp('megalodon', { scopes: SCOPES, redirect_uris: OOB })
    return registered.url
  },
  async sign_in({ code }) {
    const { client_id, client_secret } = registered
    token = (await api.fetchAccessToken(client_id, client_secret, code, OOB)).access_token
    api = generator(software, url, token)
    return token
  },
  verify: () => data(api.verifyAccountCredentials()),
  upload: async ({ path, description }) =>
    data(api.uploadMedia(createReadStream(path), { description })),
  post: ({ text, media }) => data(api.postStatus(text, { media_ids: media })),
  reply: ({ text, to }) => data(api.postStatus(text, { in_reply_to_id: to })),
  edit: ({ id, text }) => data(api.editStatus(id, { status: text })),
  delete: ({ id }) => data(api.deleteStatus(id)),
  favourite: ({ id }) => data(api.favouriteStatus(id)),
  boost: ({ id }) => data(api.reblogStatus(id)),
  async bookmark({ id }) {
    await api.bookmarkStatus(id)
    return data(api.getBookmarks())
  },
  find: async ({ handle }) =>
    (await data(api.search(handle, { resolve: true, type: 'accounts' }))).accounts,
  follow: ({ id }) => data(api.followAccount(id)),
  home: () => data(api.getHomeTimeline()),
  notifications: () => data(api.getNotifications()),
  async list({ title, account }) {
    const made = await data(api.createList(title))
    await api.addAccountsToList(made.id, [account])
    return {
      lists: await data(api.getLists()),
      members: await data(api.getAccountsInList(made.id)),
      timeline: await data(api.getListTimeline(made.id)),
    }
  },
  async filter({ phrase }) {
    await api.createFilter(phrase, ['home'], { whole_word: true })
    return (await data(api.getFilters())).map((one) => one.phrase)
  },
  poll: ({ text, options }) =>
    data(api.postStatus(text, { poll: { options, expires_in: 3600 } })),
  vote: ({ poll, choice }) => data(api.votePoll(poll, [choice])),
  async listen() {
    const stream = await api.userStreaming()
    stream.on('update', (status) => heard.put(status))
    stream.on('error', (error) => heard.put({ error: String(error) }))
    await new Promise((resolve) => stream.once('connect', resolve))
    return true
  },
  hear: () => heard.next(),
  async push({ endpoint, p256dh, auth }) {
    const alerts = { favourite: true, mention: false }
    await api.subscribePushNotification({ endpoint, keys: { p256dh, auth } }, { alerts })
    return data(api.getPushSubscription())
  },
})
