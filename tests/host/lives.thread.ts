/** A worker that boots kernels of its own, each with workers below it, and closes them. */

import { serve } from '../support/thread-port.ts'
import { live } from './lives.ts'

await serve({ live })
