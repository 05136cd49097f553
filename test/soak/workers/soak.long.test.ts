import { describeWithEngine } from '../../powershell/engine';
import { describeWorkersSoak } from './describe';
import { soakWorkers } from './soak';

// Real processes, and every kill is the start of a PowerShell, on a machine that may be busy with others.
jest.setTimeout(900_000);

describeWithEngine('migrations whose PowerShell workers are killed', () => {
  test('complete or are rolled back, and nothing of them is left', async () => {
    const said: string[] = [];
    const result = await soakWorkers({ kills: 4, seed: 3, kinds: ['quick'], say: (line) => void said.push(line) });
    expect(result.wrong).toEqual([]);
    const killed = result.runs.flatMap(({ kills }) => kills);
    expect(killed).toHaveLength(4);
    expect(said).toHaveLength(result.runs.length);
    expect(describeWorkersSoak(result)).toContain('4 kills');
  });
});
