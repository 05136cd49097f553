import { StoreError, type BlockStore, type StoreTrouble } from '../block-store';

/** A container in memory, whose content a test may read, change and lose, and whose calls it may have fail. */
export class MemoryStore implements BlockStore {
  readonly blobs = new Map<string, Buffer>();
  readonly calls: string[] = [];
  putBytes = 0;
  /** Called before each call; a trouble that it answers is thrown. */
  trouble: (call: string) => StoreTrouble | undefined = () => undefined;

  names(prefix: string): string[] {
    return [...this.blobs.keys()].filter((name) => name.startsWith(prefix)).sort();
  }

  async has(name: string): Promise<boolean> {
    this.#called('has', name);
    return this.blobs.has(name);
  }

  async put(name: string, bytes: Buffer): Promise<'put' | 'there'> {
    this.#called('put', name);
    if (this.blobs.has(name)) return 'there';
    this.blobs.set(name, Buffer.from(bytes));
    this.putBytes += bytes.length;
    return 'put';
  }

  async get(name: string, bytesMax: number): Promise<Buffer | undefined> {
    this.#called('get', name);
    const found = this.blobs.get(name);
    if (found !== undefined && found.length > bytesMax) throw new StoreError('too-long', name);
    return found === undefined ? undefined : Buffer.from(found);
  }

  #called(what: string, name: string): void {
    const call = `${what} ${name}`;
    this.calls.push(call);
    const trouble = this.trouble(call);
    if (trouble !== undefined) throw new StoreError(trouble, call);
  }
}
