// js-libp2p 3.3 needs two things that Node 20 lacks: Promise.withResolvers, and a global WebSocket
// (its dialler uses the global, not the `ws` it installs). On Node 22 this file changes nothing.
import { WebSocket } from 'ws'

Promise.withResolvers ??= function () {
  let resolve, reject
  const promise = new Promise((yes, no) => { resolve = yes; reject = no })
  return { promise, resolve, reject }
}
globalThis.WebSocket ??= WebSocket
