/** An error as the Hyper-V module would give it. */
export class HyperVRefusal extends Error {
  constructor(
    readonly id: string,
    message: string,
    readonly hresult = 0x80131500 | 0,
    readonly category = 'InvalidOperation',
  ) {
    super(message);
  }
}
