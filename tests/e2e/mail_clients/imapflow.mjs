// imapflow, as Node's services read.
import { ImapFlow } from 'imapflow'

const door = name => process.env[`DOOR_${name}`]
const client = new ImapFlow({
  host: door('HOST'),
  port: Number(door('PORT')),
  secure: door('TLS') === 'implicit',
  doSTARTTLS: door('TLS') === 'starttls',
  auth: { user: door('USER'), pass: door('PASSWORD') },
  logger: false
})
await client.connect()
const lock = await client.getMailboxLock('INBOX')
for await (const message of client.fetch('1:*', { source: true })) process.stdout.write(message.source)
lock.release()
await client.logout()
