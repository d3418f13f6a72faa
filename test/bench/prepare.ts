import { existsSync, readdirSync, statSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build } from 'esbuild'
import { runProgram } from './programs.ts'

export const ROOT = fileURLToPath(new URL('../../', import.meta.url))
export const PEERS = fileURLToPath(new URL('./peers/', import.meta.url))
export const BUILT_ENTRY = join(ROOT, 'dist/node/index.js')
const OURS = fileURLToPath(new URL('./ours/', import.meta.url))

const INSTALL_TIMEOUT_MS = 180_000
const BUILD_TIMEOUT_MS = 120_000

/** Installs whom we compare with, as their own lock says, unless that has been done. */
export async function installPeers(progress: (text: string) => void): Promise<void> {
  const installed = join(PEERS, 'node_modules/.package-lock.json')
  if (existsSync(installed) && changedMs(installed) >= changedMs(join(PEERS, 'package-lock.json'))) return
  progress('installing the peers (once)')
  await runProgram({ command: 'npm', args: ['ci', '--no-audit', '--no-fund'], cwd: PEERS, timeoutMs: INSTALL_TIMEOUT_MS })
}

/** Builds the package as it would be published, unless dist is newer than everything it is made from. */
export async function buildPackage(progress: (text: string) => void): Promise<void> {
  const sources = [join(ROOT, 'tsconfig.json'), join(ROOT, 'tsconfig.build.json'), ...filesUnder(join(ROOT, 'lib'))]
  if (existsSync(BUILT_ENTRY) && changedMs(BUILT_ENTRY) >= Math.max(...sources.map(changedMs))) return
  progress('building peerweft')
  await runProgram({ command: 'npm', args: ['run', 'build'], cwd: ROOT, timeoutMs: BUILD_TIMEOUT_MS })
}

/**
 * Compiles one of our measuring programs, so that it runs in a plain Node as the peers' do, with no
 * loader beside it. It imports the built package by the URL it is given.
 */
export async function compileOurs(name: string): Promise<string> {
  const outfile = join(ROOT, '.cache/bench', `${name}.mjs`)
  await mkdir(join(ROOT, '.cache/bench'), { recursive: true })
  await build({
    entryPoints: [join(OURS, `${name}.ts`)],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    packages: 'external',
    define: { BUILT_ENTRY: JSON.stringify(pathToFileURL(BUILT_ENTRY).href) },
    logLevel: 'warning',
  })
  return outfile
}

const changedMs = (path: string): number => statSync(path).mtimeMs

function filesUnder(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name))
}
