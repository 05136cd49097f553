import { findEngine } from '../../../agent/hyperv/powershell/worker/engine';
import { describeHyperVDriver } from '../hyperv-driver';
import { RealHost } from './real-host';
import { realHostSettings, settingsVariable } from './settings';

// A real guest takes its time to start, to save and to shut down.
jest.setTimeout(1_800_000);

const engine = findEngine();
if (engine === undefined) throw new Error('there is no PowerShell');
const host = new RealHost(engine, realHostSettings.parse(JSON.parse(process.env[settingsVariable] ?? '{}')));
afterEach(() => host.clear());
afterAll(() => host.close());

describeHyperVDriver('this host', host.hostsFor);
