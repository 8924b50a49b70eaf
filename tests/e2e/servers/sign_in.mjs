// The sign-in service: npm's oidc-provider over TLS, issuing the app-only JWT access tokens that Dovecot validates.
// The first line of stdin is what it is to be: {"key": PEM, "cert": PEM, "jwt_key": base64, "client_id", "client_secret",
// "scope"} -> {"port": n}. In front of /token stand a counter and a switch, reached by further lines:
//   {"mode": "issue" | "expired" | "wrong_key" | "status", "status": 503, "headers": {...}}
//   -> {"requests": n, "tokens": [every access token so far]}
import { createSecretKey, randomBytes } from 'node:crypto'
import { createServer } from 'node:https'
import { createInterface } from 'node:readline'
import Provider from 'oidc-provider'

const orders = createInterface({ input: process.stdin })[Symbol.asyncIterator]()
const wanted = JSON.parse((await orders.next()).value)
const keys = { issue: createSecretKey(Buffer.from(wanted.jwt_key, 'base64')), wrong_key: createSecretKey(randomBytes(32)) }
let now = { mode: 'issue' }
let requests = 0
const tokens = []

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
    }],
    scopes: [wanted.scope],
    ttl: { ClientCredentials: 3600 },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => 'https://mail.example.test',
        getResourceServerInfo: () => ({
          scope: wanted.scope,
          audience: 'https://mail.example.test',
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
          jwt.payload.idtyp = 'app'
          jwt.payload.opens = 'app' // for Dovecot 2.4
          if (now.mode === 'expired') jwt.payload.exp = jwt.payload.iat - 60
        },
      },
    },
  })
  provider.use(async (ctx, next) => {
    if (ctx.path !== '/token') return next()
    requests += 1
    if (now.mode !== 'status') {
      await next()
      if (ctx.body?.access_token) tokens.push(ctx.body.access_token)
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
  console.log(JSON.stringify({ requests, tokens }))
}
process.exit(0)
