import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSimulatedDriver } from '../../agent/hyperv/simulated';
import { runId } from '../../contracts/ids';
import { layoutOf } from '../stack/layout';
import { ensureHosts, localHosts } from './hosts';
import { placeVm, type VmPlace, type WantedVm } from './place-vm';

const layout = layoutOf(mkdtempSync(join(tmpdir(), 'hyperferry-place-')));
beforeAll(() => ensureHosts(layout));
afterAll(() => rmSync(layout.home, { recursive: true, force: true }));

const [host] = localHosts;
const place = (name: string, on: VmPlace, more: Partial<WantedVm> = {}) =>
  placeVm(layout, { name, place: on, host, dataBytes: 1024 ** 2, seed: 7, ...more }, () => undefined);

test('a VM is made where its kind wants it: for itself, as a role of the cluster, or alone on a LUN', async () => {
  const made = [await place('web', 'cluster'), await place('db', 'lun'), await place('app', 'local')];
  const driver = await openSimulatedDriver({ folder: layout.hostFolder(host) });
  if (!driver.ok) throw new Error(driver.failure.message);
  const needs = await Promise.all(
    made.map((one) => {
      if (!one.ok) throw new Error(one.failure.title);
      const context = { runId: runId.parse('m1-r1'), signal: new AbortController().signal, report: () => undefined };
      return driver.value.perform('describe-vm', context, { vmId: one.value });
    }),
  );
  await driver.value.close();
  expect(needs).toMatchObject([
    { ok: true, value: { clusterName: 'cluster-1', storage: { type: 'shared-volume', name: 'shared-1' } } },
    { ok: true, value: { clusterName: null, storage: { type: 'lun', name: 'lun-1' } } },
    { ok: true, value: { clusterName: null, storage: null } },
  ]);
});

test('each VM gets a LUN of its own, and none is made when no LUN is left, or the host has none', async () => {
  expect(await place('db-2', 'lun')).toMatchObject({ ok: true });
  expect(await place('db-3', 'lun')).toMatchObject({ ok: false, failure: { exit: 'badInput', field: '--on' } });
  const other = { host: localHosts[1] };
  expect(await place('db-4', 'lun', other)).toMatchObject({ ok: false, failure: { title: 'no LUN is free' } });
});

test('a name is given once', async () => {
  expect(await place('twice', 'local')).toMatchObject({ ok: true });
  expect(await place('twice', 'cluster')).toMatchObject({ ok: false, failure: { value: 'twice' } });
});
