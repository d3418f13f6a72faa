import { readFileSync } from 'node:fs'
import { availableParallelism, cpus, loadavg } from 'node:os'
import { join } from 'node:path'
import { PEERS } from './prepare.ts'

export interface Machine {
  readonly cpu: string
  readonly cores: number
  readonly node: string
  readonly platform: string
  readonly date: string
  /** Processes that wanted a core in the last minute, before we began: a busy machine makes figures coarse. */
  readonly load: number
}

export function describeMachine(): Machine {
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    date: new Date().toISOString(),
    load: Number((loadavg()[0] ?? 0).toFixed(2)),
  }
}

/** The versions that are installed, by package name. */
export function peerVersions(names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.map((name) => {
    const manifest = JSON.parse(readFileSync(join(PEERS, 'node_modules', name, 'package.json'), 'utf8')) as { version: string }
    return [name, manifest.version]
  }))
}

export function machineLines({ cpu, cores, node, platform, date, load }: Machine, versions: Readonly<Record<string, string>>): string[] {
  return [
    `${cpu}, ${cores} cores, ${platform}, node ${node}, ${date}, load ${load}`,
    Object.entries(versions).map(([name, version]) => `${name} ${version}`).join(', '),
  ]
}
