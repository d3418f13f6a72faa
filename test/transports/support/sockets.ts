import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'

/** A server on a free loopback port, and every socket it has. */
async function serve(onSocket: (socket: Socket) => void): Promise<{ address: string; port: number; sockets: Set<Socket>; close(): Promise<void> }> {
  const sockets = new Set<Socket>()
  const server: Server = createServer(socket => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.once('close', () => sockets.delete(socket))
    onSocket(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const close = async (): Promise<void> => {
    for (const socket of sockets) socket.destroy()
    await new Promise<void>(resolve => server.close(() => resolve()))
  }
  return { address: `ws://127.0.0.1:${port}`, port, sockets, close }
}

/** Takes connections and never says a word. */
export function silentServer(): Promise<{ address: string; port: number; close(): Promise<void> }> {
  return serve(() => {})
}

/** Answers whatever it is sent first with these bytes. */
export function answeringServer(answer: string | ((request: string) => string | Uint8Array)): Promise<{ address: string; close(): Promise<void> }> {
  return serve(socket => void socket.once('data', request => {
    socket.write(typeof answer === 'string' ? answer : answer(request.toString('latin1')))
  }))
}

/** A way to the same listener whose every socket `cut` resets, as a machine that died would. */
export async function breakableWay(address: string): Promise<{ address: string; cut(): void }> {
  const { hostname, port } = new URL(address)
  const ends = new Set<Socket>()
  const way = await serve(near => {
    const far = connect(Number(port), hostname)
    far.on('error', () => {})
    ends.add(near).add(far)
    near.pipe(far).pipe(near)
  })
  const cut = (): void => {
    for (const end of ends) end.resetAndDestroy()
    void way.close()
  }
  return { address: `ws://127.0.0.1:${way.port}`, cut }
}
