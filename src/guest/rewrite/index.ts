/** The rewriter of guests' modules: `instrument`, `describe`, `GuestModuleError`. */
export { GuestModuleError, type GuestModuleRule } from './error.js'
export {
  type BackEndName,
  type Description,
  describe,
  type InstrumentOptions,
  instrument,
} from './instrument.js'
