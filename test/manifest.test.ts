import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'

const root = join(import.meta.dirname, '..')
const read = (file: string): string => readFileSync(join(root, file), 'utf8')

type Target = string | Record<string, string>
const manifest = JSON.parse(read('package.json')) as { exports: Record<string, Target>; dependencies: Record<string, string>; devDependencies: Record<string, string> }

const ours = suite('package.json')

ours('every entry is a file of lib', () => {
  const targets = Object.values(manifest.exports).flatMap(target => typeof target === 'string' ? [target] : Object.values(target))
  const missing = targets.filter(target => target !== './package.json')
    .map(target => target.replace(/^\.\/dist\/(node\/)?/, 'lib/').replace(/(\.d)?\.[jt]s$/, '.ts'))
    .filter(file => !existsSync(join(root, file)))
  assert.equal(missing, [])
})

ours('every entry says types first and default last, because the first match wins', () => {
  for (const [entry, target] of Object.entries(manifest.exports)) {
    if (typeof target === 'string') continue
    assert.is(Object.keys(target)[0], 'types', entry)
    assert.is(Object.keys(target).at(-1), 'default', entry)
  }
})

ours('every dependency is pinned to one version', () => {
  const loose = Object.entries({ ...manifest.dependencies, ...manifest.devDependencies }).filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(version))
  assert.equal(loose, [])
})

ours('the lock names no registry, so that it installs from any', () => {
  assert.not.match(read('package-lock.json'), /"resolved": "https?:/)
})

ours.run()
