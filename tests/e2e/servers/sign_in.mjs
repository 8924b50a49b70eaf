// The sign-in service: npm's oidc-provider over TLS, issuing the JWT access tokens that Dovecot validates: app-only
// ones, and those of people, who sign in at /interaction without being asked anything.
// The first line of stdin is what it is to be: {"key": PEM, "cert": PEM, "jwt_key": base64, "client_id", "client_secret",
// "scope", "clients": [more of them, as oidc-provider takes them]} -> {"port": n}. In front of /token stand a counter and a switch, reached by further lines:
//   {"mode": "issue" | "expired" | "expired_once" | "wrong_key" | "status", "status": 503, "headers": {...}}
//   {"person": the name of whoever signs in from now on, or null: who declines}
//   -> {"requests": n, "tokens": [every access and refresh token so far]}
import { createSecretKey, randomBytes } from 'node:crypto'
import { createServer } from 'node:https'
import { createInterface } from 'node:readline'
import Provider from 'oidc-provider'

console.info = console.warn  // what is printed are replies alone
const orders = createInterface({ input: process.stdin })[Symbol.asyncIterator]()
const wanted = JSON.parse((await orders.next()).value)
const keys = { issue: createSecretKey(Buffer.from(wanted.jwt_key, 'base64')), wrong_key: createSecretKey(randomBytes(32)) }
const resource = 'https://mail.example.test'
let now = { mode: 'issue' }
let person = null
let requests = 0
const tokens = []

// What the person answers to being asked who they are, and whether the app may.
async function decide(provider, ctx) {
  if (person === null) return { error: 'access_denied', error_description: 'the person declined' }
  const { prompt, params, session } = await provider.interactionDetails(ctx.req, ctx.res)
  if (prompt.name === 'login') return { login: { accountId: person } }
  const grant = new provider.Grant({ accountId: session.accountId, clientId: params.client_id })
  grant.addOIDCScope(params.scope)
  grant.addResourceScope(resource, wanted.scope)
  return { consent: { grantId: await grant.save() } }
}

const server = createServer({ key: wanted.key, cert: wanted.cert })
server.listen(0, '127.0.0.1', () => {
  const port = server.address().port
  const provider = new Provider(`https://localhost:${port}`, {
    clients: [{
      client_id: wanted.client_id,
      client_secret: wanted.client_secret,
      token_endpoint_auth_method: 'client_secret_post',
      grant_types: ['client_credentials'],
      redirect_uris: [],
      response_types: [],
      scope: wanted.scope,
    }, ...wanted.clients],
    scopes: ['openid', 'offline_access', wanted.scope],
    rotateRefreshToken: true,
    findAccount: (ctx, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
    interactions: { url: (ctx, interaction) => `/interaction/${interaction.uid}` },
    cookies: { keys: [randomBytes(16).toString('hex')] },
    ttl: { ClientCredentials: 3600, AccessToken: 3600, AuthorizationCode: 60, DeviceCode: 600, Grant: 86400, Interaction: 600, RefreshToken: 86400, Session: 600 },
    features: {
      devInteractions: { enabled: false },
      deviceFlow: { enabled: true },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => resource,
        getResourceServerInfo: () => ({
          scope: wanted.scope,
          audience: resource,
          accessTokenFormat: 'jwt',
          jwt: { sign: { alg: 'HS256', key: now.mode === 'wrong_key' ? keys.wrong_key : keys.issue } },
        }),
      },
    },
    formats: {
      customizers: {
        // Dovecot 2.3 refuses RFC 9068's "at+jwt".
        jwt(ctx, token, jwt) {
          jwt.header = { ...jwt.header, typ: 'JWT' }
          jwt.payload.idtyp = token.accountId ? 'user' : 'app'
          if (token.accountId) jwt.payload.upn = token.accountId
          jwt.payload.opens = token.accountId ?? 'app' // for Dovecot 2.4
          if (now.mode.startsWith('expired')) jwt.payload.exp = jwt.payload.iat - 60
          if (now.mode === 'expired_once') now = { mode: 'issue' }
        },
      },
    },
  })
  provider.use(async (ctx, next) => {
    if (!ctx.path.startsWith('/interaction/')) return next()
    ctx.respond = false
    await provider.interactionFinished(ctx.req, ctx.res, await decide(provider, ctx), { mergeWithLastSubmission: true })
  })
  provider.use(async (ctx, next) => {
    if (ctx.path !== '/token') return next()
    requests += 1
    if (now.mode !== 'status') {
      await next()
      for (const token of [ctx.body?.access_token, ctx.body?.refresh_token]) if (token) tokens.push(token)
      return
    }
    ctx.status = now.status
    ctx.set(now.headers ?? {})
    ctx.body = 'Service Unavailable'
  })
  server.on('request', provider.callback())
  console.log(JSON.stringify({ port }))
})

for await (const line of orders) {
  const order = JSON.parse(line)
  if (order.mode) now = order
  if (order.person !== undefined) person = order.person
  console.log(JSON.stringify({ requests, tokens }))
}
process.exit(0)
