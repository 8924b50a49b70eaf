// nodemailer, as Node's services send.
import nodemailer from 'nodemailer'

const door = name => process.env[`DOOR_${name}`]
const transport = nodemailer.createTransport({
  host: door('HOST'),
  port: Number(door('PORT')),
  secure: door('TLS') === 'implicit',
  requireTLS: door('TLS') === 'starttls',
  ignoreTLS: door('TLS') === 'off',
  auth: { user: door('USER'), pass: door('PASSWORD') }
})
await transport.sendMail({ from: door('MAILBOX'), to: door('MAILBOX'), subject: door('SUBJECT'), text: 'A line' })
transport.close()
