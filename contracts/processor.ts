import { z } from 'zod';

/**
 * One of the numbers by which Hyper-V compares a VM with a processor (Msvm_CompatibilityVector). What they mean is Hyper-V's own; which
 * comparison a number asks for is documented.
 */
export const processorVector = z.object({
  id: z.int().nonnegative(),
  operation: z.int().nonnegative(),
  /** 64 bits, as a decimal number. */
  value: z.string().regex(/^[0-9]{1,20}$/),
});
export type ProcessorVector = z.infer<typeof processorVector>;

/** A processor as a host has it or a guest sees it: a host tells names of features, or Hyper-V's own numbers, or both. */
export const processor = z.object({
  maker: z.string(),
  features: z.array(z.string()),
  vectors: z.array(processorVector),
});
export type Processor = z.infer<typeof processor>;

/** What a guest may use of `needs` that `has` does not give, for a person to read. Empty where nothing is known to be missing. */
export function missingFrom(has: Omit<Processor, 'maker'>, needs: Omit<Processor, 'maker'>): string[] {
  const features = needs.features.filter((feature) => !has.features.includes(feature));
  return [...features, ...unmetVectors(needs.vectors, has.vectors).map((id) => `compatibility vector ${id}`)];
}

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
