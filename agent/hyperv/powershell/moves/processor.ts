import type { ProcessorVector } from '../../../../contracts/operations/moves';

type Holds = (vm: bigint, processor: bigint) => boolean;

/** What Msvm_CompatibilityVector.CompareOperation asks for: the VM on the left, the processor on the right. */
const comparisons: readonly Holds[] = [
  (vm, processor) => vm === processor,
  (vm, processor) => (vm & processor) === processor,
  (vm, processor) => (vm & processor) === vm,
  (vm, processor) => (vm & processor) === 0n,
  (vm, processor) => vm > processor,
  (vm, processor) => vm >= processor,
  (vm, processor) => vm < processor,
  (vm, processor) => vm <= processor,
  (vm, processor) => processor !== 0n && vm % processor === 0n,
  (vm, processor) => vm !== 0n && processor % vm === 0n,
];

/**
 * The numbers of a VM that a processor does not meet, by their ids. One that the host does not tell, or whose comparison is none that is
 * documented, is left to Hyper-V, which compares all of them itself when it is to take the VM.
 */
export function unmetVectors(vm: readonly ProcessorVector[], processor: readonly ProcessorVector[]): number[] {
  return vm.flatMap(({ id, operation, value }) => {
    const other = processor.find((one) => one.id === id);
    const holds = comparisons[operation];
    if (other === undefined || holds === undefined) return [];
    return holds(BigInt(value), BigInt(other.value)) ? [] : [id];
  });
}
