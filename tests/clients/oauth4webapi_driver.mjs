// Drives oauth4webapi, by which the SWICG's demonstration page signs in. It checks what it is
// answered by the letter of the RFCs.
import * as oauth from 'oauth4webapi'
import { serve } from './calls.mjs'

const plain = { [oauth.allowInsecureRequests]: true } // loopback has no certificates
let as, client, redirect_uri, code_verifier, state

const calls = {
  /** Finds the authorization server at the origin of an actor. */
  async discover({ origin }) {
    const issuer = new URL(origin)
    const found = await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...plain })
    as = await oauth.processDiscoveryResponse(issuer, found)
    return as
  },
  /** Registers by RFC 7591. */
  async register({ metadata }) {
    const made = await oauth.dynamicClientRegistrationRequest(as, metadata, plain)
    return await oauth.processDynamicClientRegistrationResponse(made)
  },
  /** The address to which it sends its user. */
  async begin(asked) {
    client = { client_id: asked.client_id }
    redirect_uri = asked.redirect_uri
    code_verifier = oauth.generateRandomCodeVerifier()
    state = oauth.generateRandomState()
    const address = new URL(as.authorization_endpoint)
    const parameters = {
      client_id: client.client_id,
      redirect_uri,
      response_type: 'code',
      scope: asked.scope,
      code_challenge: await oauth.calculatePKCECodeChallenge(code_verifier),
      code_challenge_method: 'S256',
      state,
    }
    for (const [name, value] of Object.entries(parameters)) address.searchParams.set(name, value)
    return address.toString()
  },
  /** What it gets for the address at which its user came back. */
  async finish({ address }) {
    const parameters = oauth.validateAuthResponse(as, client, new URL(address), state)
    const got = await oauth.authorizationCodeGrantRequest(
      as, client, oauth.None(), parameters, redirect_uri, code_verifier, plain,
    )
    return await oauth.processAuthorizationCodeResponse(as, client, got)
  },
  async refresh({ token }) {
    const got = await oauth.refreshTokenGrantRequest(as, client, oauth.None(), token, plain)
    return await oauth.processRefreshTokenResponse(as, client, got)
  },
  async introspect({ token }) {
    const got = await oauth.introspectionRequest(as, client, oauth.None(), token, plain)
    return await oauth.processIntrospectionResponse(as, client, got)
  },
  async revoke({ token }) {
    const got = await oauth.revocationRequest(as, client, oauth.None(), token, plain)
    return (await oauth.processRevocationResponse(got)) ?? null
  },
  /** What a resource says to who brings no token. */
  async challenge({ address }) {
    const asked = new URL(address)
    const found = await oauth.resourceDiscoveryRequest(asked, plain)
    return await oauth.processResourceDiscoveryResponse(asked, found)
  },
}

await serve(calls)
