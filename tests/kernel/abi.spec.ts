import { ABI_VERSION } from '../../assembly/abi'
import { abiVersion } from '../../assembly/index'

describe('abi', () => {
  it('reports the version that abi.ts states', () => {
    expect(abiVersion()).toBe(ABI_VERSION)
  })
})
