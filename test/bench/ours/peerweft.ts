/** Where `npm run build` put the package; filled in when this program is compiled. */
declare const BUILT_ENTRY: string

/** The built package: what a user's program would load, not the sources beside this file. */
export const peerweft = await import(BUILT_ENTRY) as typeof import('../../../lib/index.ts')

export type Coordinator = InstanceType<typeof peerweft.P2PCoordinator>
