// `npm run build`: dist/ file by file for bundlers and types, dist/node/ in a few pieces for Node.
//
// Node reads and links every file of an import; sixty small files take longer than all that is in them. A bundler
// wants the opposite: small files, of which it leaves out what a page does not use.
import { execFileSync } from 'node:child_process'
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'esbuild'

const root = join(import.meta.dirname, '..')
const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const forNode = Object.values(exports).map(target => target.default).filter(path => path?.startsWith('./dist/node/'))

rmSync(join(root, 'dist'), { recursive: true, force: true })
execFileSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', 'tsconfig.build.json'], { cwd: root, stdio: 'inherit' })
await build({
  absWorkingDir: root,
  entryPoints: Object.fromEntries(forNode.map(path => {
    const name = path.replace('./dist/node/', '').replace(/\.js$/, '')
    return [name, `lib/${name}.ts`]
  })),
  outdir: 'dist/node',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  packages: 'external',
  chunkNames: 'chunks/[hash]',
  sourcemap: true,
  sourcesContent: false,
  logLevel: 'warning',
})
