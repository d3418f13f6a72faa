import { randomBytes } from '@noble/hashes/utils.js'
import type { RandomBytes } from '../contracts/random.ts'

/**
 * The platform's generator, for what must be unpredictable even in a simulation with a seed because
 * nobody can see it: the blinding of a secret scalar. Also the default where a user creates a key by hand.
 * Foundation has the same thing, and is of our own rank.
 */
export const platformRandom: RandomBytes = randomBytes
