/** The store of store.ts as a module, for `custom(url, plan)`: the thread that owns its mount makes it, and it fails by plan. */

import { type FaultRule, faulty } from '../../dist/src/test/index.js'
import { Store } from './store.ts'

export default (plan: readonly FaultRule[]) => faulty(new Store(), plan)
