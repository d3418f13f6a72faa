import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PEERS, ROOT } from './prepare.ts'
import { runProgram } from './programs.ts'

const INSTALL_TIMEOUT_MS = 180_000

/** What peerweft's user asks of libp2p to have the same: dial, listen, seal, gossip, DHT. */
const LIBP2P_SET = [
  'libp2p', '@libp2p/websockets', '@libp2p/noise', '@libp2p/yamux', '@libp2p/identify', '@libp2p/ping',
  '@libp2p/gossipsub', '@libp2p/kad-dht',
]
const HYPERDHT_SET = ['hyperdht', 'protomux', 'compact-encoding', 'b4a']

/** How many packages land in an empty project that installs the packed tarball of this repository. */
export async function packagesOfOurs(): Promise<number> {
  return inTemporaryFolder(async (folder) => {
    const packed = await npm(['pack', '--json', '--pack-destination', folder], ROOT)
    const [tarball] = JSON.parse(packed.slice(packed.indexOf('['))) as [{ filename: string }]
    return packagesInstalled(folder, { peerweft: `file:${tarball.filename}` })
  })
}

export const packagesOfLibp2p = (): Promise<number> => packagesOfPeer(LIBP2P_SET)
export const packagesOfHyperdht = (): Promise<number> => packagesOfPeer(HYPERDHT_SET)

/** The same of packages that the peers' own manifest names, at its versions. */
async function packagesOfPeer(names: readonly string[]): Promise<number> {
  const manifest = JSON.parse(await readFile(join(PEERS, 'package.json'), 'utf8')) as { dependencies: Record<string, string> }
  const wanted = Object.entries(manifest.dependencies).filter(([name]) => names.includes(name))
  return inTemporaryFolder(folder => packagesInstalled(folder, Object.fromEntries(wanted)))
}

async function packagesInstalled(folder: string, dependencies: Record<string, string>): Promise<number> {
  await writeFile(join(folder, 'package.json'), JSON.stringify({ name: 'empty', private: true, dependencies }))
  await npm(['install', '--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error'], folder)
  const listed = await npm(['ls', '--all', '--parseable'], folder)
  // The first line is the empty project itself.
  return new Set(listed.trim().split('\n').slice(1)).size
}

const npm = (args: readonly string[], cwd: string): Promise<string> =>
  runProgram({ command: 'npm', args, cwd, timeoutMs: INSTALL_TIMEOUT_MS })

async function inTemporaryFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'peerweft-bench-'))
  try {
    return await work(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
