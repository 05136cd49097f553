import { Command } from 'commander';
import { registerAsked, type Loaded, type Register } from './asked';
import { commands as diskCommands } from './disk/table';
import { commands } from './table';

const registered =
  (name: string, loaded: string[]): Loaded['load'] =>
  () => {
    loaded.push(name);
    const register: Register = (parent, _, argv) => void parent.command(name).description(argv.join(' '));
    return register;
  };

async function namesAfter(argv: readonly string[]): Promise<{ loaded: string[]; names: string[]; told: string }> {
  const loaded: string[] = [];
  const commands = ['move', 'disk', 'host'].map((name) => ({ names: [name], load: registered(name, loaded) }));
  const program = new Command();
  await registerAsked(commands, program, async () => undefined, argv);
  const told = program.commands.find((one) => one.name() === argv[0])?.description() ?? '';
  return { loaded, names: program.commands.map((one) => one.name()), told };
}

test('the command that is asked for is loaded alone, and gets what stands behind its name', async () => {
  expect(await namesAfter(['disk', 'info', 'FILE'])).toEqual({ loaded: ['disk'], names: ['disk'], told: 'info FILE' });
});

test.each([[[]], [['--help']], [['help', 'disk']], [['dsik']], [['toString']]])(
  'for %j all of them are there, in their order',
  async (argv) => {
    const { loaded, names } = await namesAfter(argv);
    expect({ loaded, names }).toEqual({ loaded: ['move', 'disk', 'host'], names: ['move', 'disk', 'host'] });
  },
);

test.each([
  ['hyperferry', commands],
  ['hyperferry disk', diskCommands],
])('the names in the table of %s are those of the commands that are loaded by them', async (_, table) => {
  for (const { names, load } of table) {
    const program = new Command();
    await load()(program, async () => undefined, []);
    expect(program.commands.map((one) => one.name())).toEqual(names);
  }
});
