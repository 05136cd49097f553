import * as realNet from 'node:net';
import * as realTls from 'node:tls';
import { Readable, Writable, type Duplex } from 'node:stream';
import { SystemError } from './file-fates';
import { Handle, type MachineFiles } from './machine-files';
import { TcpServer, type Network, type TcpSocket } from './network';
import { currentProgram, type Program } from './program';
import { RelaySocket, type RelayService } from './relay-service';
import { certificateOf, Tls } from './tls';

/** What the modules of the platform act on: the world of the seed that runs. */
export type Platform = {
  readonly filesOf: (machine: string) => MachineFiles | undefined;
  readonly network: Network;
  readonly relay: RelayService;
};

/** Which program holds the lock on a state folder, by the path of the lock. */
let locks = new Map<string, Program>();

let current: Platform | undefined;

export function usePlatform(platform: Platform): void {
  current = platform;
  locks = new Map();
}

function platform(): Platform {
  if (current === undefined) throw new Error('no simulated world runs');
  return current;
}

/** The root of all machines. */
export const simulatedRoot = '/sim';
export const folderOf = (machine: string, ...names: string[]): string => [simulatedRoot, machine, ...names].join('/');

const pattern = new RegExp(`^${simulatedRoot}/([A-Za-z0-9_-]+)(/.*)?$`);

function place(
  path: string,
  call: string,
): { readonly files: MachineFiles; readonly machine: string; readonly within: string } {
  const [, machine, within] = pattern.exec(path) ?? [];
  const files = machine === undefined ? undefined : platform().filesOf(machine);
  if (machine === undefined || files === undefined) throw new SystemError('ENOENT', call, path);
  files.checkReach(call, path);
  return { files, machine, within: within ?? '/' };
}

const processStat = /^\/proc\/\d+\/stat$/;

/** Each call of `node:fs/promises`, to the machine that its path names. */
export const fsPromises = {
  open: async (path: string, flags?: string | number) => {
    const { files, within } = place(path, 'open');
    return files.open(within, flags);
  },
  readFile: async (path: string, encoding?: 'utf8') => {
    // A process is known by when it began; a simulated one by its number.
    if (processStat.test(path)) return `1 (agent) S${' 0'.repeat(18)} ${currentProgram().number} 0`;
    const { files, within } = place(path, 'open');
    return files.readFile(within, encoding);
  },
  writeFile: async (path: string, data: string | Uint8Array, options?: { readonly flag?: string }) => {
    const { files, within } = place(path, 'open');
    return files.writeFile(within, data, options);
  },
  rename: async (from: string, to: string) => {
    const { files, within } = place(from, 'rename');
    return files.rename(within, place(to, 'rename').within);
  },
  link: async (from: string, to: string) => {
    const { files, within } = place(from, 'link');
    return files.link(within, place(to, 'link').within);
  },
  copyFile: async (from: string, to: string) => {
    const handle = await fsPromises.open(to, 'w');
    for await (const piece of piecesOf(from)) await handle.writeFile(piece);
    await handle.close();
  },
  rm: async (path: string, options?: { readonly recursive?: boolean; readonly force?: boolean }) => {
    const { files, within } = place(path, 'rm');
    return files.rm(within, options);
  },
  rmdir: async (path: string) => {
    const { files, within } = place(path, 'rmdir');
    return files.rmdir(within);
  },
  mkdir: async (path: string, options?: { readonly recursive?: boolean }) => {
    const { files, within, machine } = place(path, 'mkdir');
    const first = await files.mkdir(within, options);
    return first === undefined ? undefined : `${simulatedRoot}/${machine}${first}`;
  },
  readdir: async (path: string, options?: { readonly withFileTypes: true }) => {
    const { files, within } = place(path, 'scandir');
    return files.readdir(within, options);
  },
  stat: async (path: string, options?: { readonly bigint?: boolean }) => {
    const { files, within } = place(path, 'stat');
    return files.stat(within, options);
  },
  lstat: async (path: string) => {
    const { files, within } = place(path, 'lstat');
    return files.stat(within);
  },
  realpath: async (path: string) => {
    const { files, within, machine } = place(path, 'realpath');
    const real = await files.realpath(within);
    return real === '/' ? `${simulatedRoot}/${machine}` : `${simulatedRoot}/${machine}${real}`;
  },
  statfs: async () => ({ bavail: 2 ** 30, bsize: 4096 }),
};

const pieceBytes = 1024 * 1024;

async function* piecesOf(path: string): AsyncGenerator<Buffer> {
  const handle = await fsPromises.open(path);
  for (let at = 0; ; at += pieceBytes) {
    const piece = Buffer.alloc(pieceBytes);
    const { bytesRead } = await handle.read(piece, 0, pieceBytes, at);
    if (bytesRead > 0) yield piece.subarray(0, bytesRead);
    if (bytesRead < pieceBytes) break;
  }
  await handle.close();
}

/** Streams of `node:fs`, over files of simulated machines. */
export const createReadStream = (path: string): Readable => Readable.from(piecesOf(path), { objectMode: false });
export function createWriteStream(path: string): Writable {
  const opened = fsPromises.open(path, 'w');
  const then = (work: Promise<unknown>, done: (error?: Error | null) => void): void =>
    void work.then(() => done(), done);
  return new Writable({
    construct: (done) => then(opened, done),
    write: (piece: Buffer, _encoding, done) =>
      then(
        opened.then((handle) => handle.writeFile(piece)),
        done,
      ),
    final: (done) =>
      then(
        opened.then((handle) => handle.close()),
        done,
      ),
  });
}

/** `readSync` of `node:fs`, on what a simulated machine opened. */
export function readSync(
  handle: unknown,
  target: Uint8Array,
  offset: number,
  lengthBytes: number,
  position: number,
): number {
  if (!(handle instanceof Handle)) throw new Error('readSync of a file that no simulated machine opened');
  return handle.readNow(target, offset, lengthBytes, position);
}

type TcpOptions = { readonly host?: string; readonly port?: number; readonly onread?: TcpSocket['onread'] };

/** `node:net`: the program that connects is on the machine that its name says. */
export const net = {
  ...realNet,
  createServer: () => new TcpServer(platform().network),
  connect: ({ host = '', port = 0, onread }: TcpOptions) => {
    const socket = platform().network.connect(currentProgram().name, host, port);
    socket.onread = onread;
    return socket;
  },
};

type Context = { readonly cert: string };

/** `node:tls`, over a stream of the caller's. */
export const tls = {
  ...realTls,
  createSecureContext: ({ cert }: Context) => ({ cert }),
  TLSSocket: class extends Tls {
    constructor(tunnel: Duplex, { secureContext }: { readonly secureContext: Context }) {
      super(tunnel, certificateOf(secureContext.cert), 'server');
    }
  },
  connect: ({ socket, cert }: Context & { readonly socket: Duplex }, connected: () => void) =>
    new Tls(socket, certificateOf(cert), 'client').once('secureConnect', connected),
};

/** `ws`, as the relay's listener uses it. */
export const ws = {
  WebSocket: class extends RelaySocket {
    static readonly OPEN = 1;
    static readonly CLOSED = 3;
    constructor(url: string, options: { readonly handshakeTimeout?: number }) {
      super(platform().relay, url, options);
    }
  },
};

/** The one use of `node:sqlite` by an agent: a lock on its state folder that ends with its process. */
const busy = 5;
export const sqlite = {
  DatabaseSync: class {
    constructor(private readonly path: string) {}
    exec(): void {
      const holder = locks.get(this.path);
      if (holder?.isAlive === true && holder !== currentProgram())
        throw Object.assign(new Error('database is locked'), { errcode: busy });
      locks.set(this.path, currentProgram());
    }
    close(): void {
      if (locks.get(this.path) === currentProgram()) locks.delete(this.path);
    }
  },
};

/** `node:timers/promises`: to yield to others costs no time here. */
export const timersPromises = {
  setImmediate: async (): Promise<void> => undefined,
  setTimeout: (): never => {
    throw new Error('production code waits for the real clock');
  },
};
