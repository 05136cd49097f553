import { runId } from '../../contracts/ids';
import { codeOf, perform, valueOf } from '../conformance/hyperv-move';
import { TestHosts } from '../simulated/test-hosts';
import { describeWithEngine } from './engine';
import { standInOver, type StandInHost } from './stand-in/host';

// Every kill is the start of a PowerShell, on a machine that may be busy with others.
jest.setTimeout(600_000);

const run = runId.parse('switch-r1');
const lab = { name: 'lab', type: 'private' } as const;

describeWithEngine('a switch that the PowerShell driver makes', () => {
  const hosts = new TestHosts();
  let host: StandInHost;
  beforeAll(() => hosts.make());
  beforeEach(async () => {
    host = await standInOver(await hosts.open('source'), await hosts.hostFolder('source'));
  });
  afterEach(async () => {
    await host.close();
    await hosts.close();
  });
  afterAll(() => hosts.remove());

  const make = () => perform(host.driver, run, 'make-switch', { vmId: hosts.vmId, ...lab });
  const remove = () => perform(host.driver, run, 'remove-switch', { vmId: hosts.vmId });
  const made = async () => (await host.hyperV.switches.list()).filter(({ name }) => name === 'lab');
  const changes = (command: string) => host.service.changes.filter((one) => one === command).length;

  test.each(['before', 'after'] as const)(
    'whose worker dies %s it was made, is made once, and its removal likewise takes it away once',
    async (when) => {
      host.service.killWorkerAt('add-switch', when);
      expect(await make()).toMatchObject({ failure: { code: 'HyperVSilent', effect: 'unknown' } });
      expect(await made()).toHaveLength(when === 'after' ? 1 : 0);
      expect(valueOf(await make())).toEqual({ made: true });
      expect(await made()).toMatchObject([{ type: 'Private', notes: `[hyperferry made=${run}]` }]);
      expect(changes('add-switch')).toBe(1);
      host.service.killWorkerAt('remove-switch', when);
      expect(codeOf(await remove())).toBe('HyperVSilent');
      expect(valueOf(await remove())).toEqual({ usedBy: null });
      expect(await made()).toEqual([]);
      expect(changes('remove-switch')).toBe(1);
    },
  );

  test('is undone without a repeat where the reply was lost', async () => {
    host.service.killWorkerAt('add-switch', 'after');
    expect(codeOf(await make())).toBe('HyperVSilent');
    expect(valueOf(await remove())).toEqual({ usedBy: null });
    valueOf(await perform(host.driver, run, 'release', { vmId: hosts.vmId }));
    expect(await made()).toEqual([]);
    expect(await host.driver.leftovers()).toEqual([]);
  });

  test('and that is not seen afterwards is not said to have done nothing', async () => {
    host.service.refuseLooksAfter('add-switch');
    expect(await make()).toMatchObject({ failure: { code: 'AccessDenied', effect: 'applied' } });
    expect(host.service.seeAgain()).toBe(true);
    expect(valueOf(await make())).toEqual({ made: true });
    expect(await made()).toHaveLength(1);
  });

  test('is told from others of its name by its id: theirs stay, whatever stands in their notes', async () => {
    const { switches } = host.hyperV;
    valueOf(await make());
    const theirs = [
      await switches.add({ name: 'lab', type: 'private', notes: '' }),
      await switches.add({ name: 'lab', type: 'private', notes: '[hyperferry made=switch-r10]' }),
      await switches.add({ name: 'la[a-c]', type: 'private', notes: `see [hyperferry made=${run}]` }),
      await switches.add({ name: '*', type: 'internal', notes: `[hyperferry reserved=${run}]` }),
    ];
    expect(valueOf(await remove())).toEqual({ usedBy: null });
    const left = (await switches.list()).map(({ id }) => id);
    expect(left.slice(-theirs.length)).toEqual(theirs);
    expect(changes('remove-switch')).toBe(1);
  });

  test('keeps what people wrote to its notes, and is theirs once they take the mark off', async () => {
    const { switches } = host.hyperV;
    valueOf(await make());
    const [{ id } = { id: '' }] = await made();
    await switches.setNotes(id, `Kim's\n[hyperferry made=${run}]\nlab`);
    expect(await host.driver.leftovers(run)).toMatchObject([{ what: 'virtual-switch' }, { what: 'run-folder' }]);
    await switches.setNotes(id, "Kim's");
    expect(valueOf(await remove())).toEqual({ usedBy: null });
    expect(await made()).toHaveLength(1);
    expect(valueOf(await make())).toEqual({ made: false });
  });

  test('of a type that a switch of the name does not have is refused, even where one of both types is there', async () => {
    const { switches } = host.hyperV;
    await switches.add({ name: 'lab', type: 'private', notes: '' });
    expect(valueOf(await make())).toEqual({ made: false });
    await switches.add({ name: 'LAB', type: 'internal', notes: '' });
    expect(await make()).toMatchObject({ failure: { code: 'SwitchUnfit', effect: 'none' } });
    expect(changes('add-switch')).toBe(0);
  });

  test('and that Hyper-V refuses is no switch; a removal that it refuses is tried again', async () => {
    host.service.refuse('add-switch');
    expect(codeOf(await make())).toBe('AccessDenied');
    expect(await made()).toEqual([]);
    valueOf(await make());
    host.service.refuse('remove-switch');
    expect(codeOf(await remove())).toBe('AccessDenied');
    expect(await host.driver.leftovers(run)).toMatchObject([{ what: 'virtual-switch' }, { what: 'run-folder' }]);
    expect(valueOf(await remove())).toEqual({ usedBy: null });
  });
});
