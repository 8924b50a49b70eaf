// What oidc-provider takes for granted and Debian 12's Node 18 lacks.
import { webcrypto } from 'node:crypto'

globalThis.crypto ??= webcrypto
URL.parse ??= (text, base) => {
  try {
    return new URL(text, base)
  } catch {
    return null
  }
}
