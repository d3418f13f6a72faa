import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { P2PCoordinator } from '../../../lib/p2p-coordinator.ts'
import { parseBootstrap, PeerExchange } from '../../../lib/protocols/exchange/index.ts'
import { until } from '../../support/until.ts'

const bootstrap = suite('BOOTSTRAP_PEERS')
const KEY = 'ab'.repeat(32)

bootstrap('the line of seed 001 is read as it stands', () => {
  assert.equal(parseBootstrap('localhost:3009:NS,localhost:8080:Gateway,localhost:4000:VP'), [
    { url: 'ws://localhost:3009', nodeType: 'NS' }, { url: 'ws://localhost:8080', nodeType: 'Gateway' }, { url: 'ws://localhost:4000', nodeType: 'VP' },
  ])
  assert.equal(parseBootstrap('localhost:5000:Validator')[0]?.nodeType, 'Validator', 'and so is a type of one\'s own')
})

bootstrap('URLs, with and without a key, mix with it; types may be left out; spaces, lines and doubles do no harm', () => {
  assert.equal(parseBootstrap(` wss://a.example:443/p2p#${KEY} , 192.168.1.100:3009,\n[2001:db8::1]:9000:NS,ws://b.example:1,,ws://b.example:1`), [
    { url: `wss://a.example:443/p2p#${KEY}` }, { url: 'ws://192.168.1.100:3009' }, { url: 'ws://[2001:db8::1]:9000', nodeType: 'NS' }, { url: 'ws://b.example:1' },
  ])
})

bootstrap('nothing is nobody', () => {
  for (const text of [undefined, '', ' , ']) assert.equal(parseBootstrap(text), [])
})

for (const [entry, why] of Object.entries({
  'localhost': /no host and port/, ':3009:NS': /no host and port/, 'host:0:NS': /from 1 to 65535/, 'host:65536': /from 1 to 65535/, 'host:port:NS': /no host and port/,
  'host:1:N$S': /node type/, 'host:1:NS:more': /no host and port/, '::1:3009': /no host and port/, 'ws://host#short': /64 lower-case hex/,
  [`ws://host#${KEY.toUpperCase()}`]: /64 lower-case hex/, 'ws://[zz]:1': /no URL/, 'ho<st:1': /URL could name/, [`${'x'.repeat(301)}:1`]: /more than 300/,
})) {
  bootstrap(`${entry.slice(0, 40)} is refused, with the entry, the reason and what was expected`, () => {
    assert.throws(() => parseBootstrap(`localhost:3009:NS,${entry}`), (error: Error) => error instanceof RangeError && why.test(error.message) && error.message.includes(entry.slice(0, 30)) && error.message.includes('expected host:port:nodeType'))
  })
}

bootstrap('more than 64 are refused, and so is what is no text', () => {
  assert.throws(() => parseBootstrap(Array.from({ length: 65 }, (_, index) => `h:${index + 1}`).join()), /at most 64/)
  assert.throws(() => parseBootstrap(5 as never), TypeError)
})

bootstrap('what it gives is what a coordinator and peer exchange dial', async () => {
  await using bob = new P2PCoordinator()
  bob.registerProtocol(new PeerExchange())
  const { address } = await bob.listen('ws://127.0.0.1:0')
  const { hostname, port } = new URL(address)
  for (const text of [`${hostname}:${port}:NS`, `${address}#${bob.id}`]) {
    const urls = parseBootstrap(text).map(({ url }) => url)
    await using alice = new P2PCoordinator({ bootstrap: urls })
    await alice.listen('ws://127.0.0.1:0')
    await until(() => alice.isConnected(bob.id), `a coordinator to dial ${text}`)
    await using carol = new P2PCoordinator()
    carol.registerProtocol(new PeerExchange({ bootstrap: urls }))
    await until(() => carol.isConnected(bob.id), `peer exchange to dial ${text}`)
  }
})

bootstrap('lib reads no environment: that is the program\'s', async () => {
  const { readdir, readFile } = await import('node:fs/promises')
  const folder = new URL('../../../lib/protocols/exchange/', import.meta.url)
  for (const name of (await readdir(folder)).filter(each => each.endsWith('.ts'))) assert.not.match(await readFile(new URL(name, folder), 'utf8'), /process\.env/)
})

bootstrap.run()
