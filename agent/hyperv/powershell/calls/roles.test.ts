import { roleSettingsValue } from './roles';

const told = (failoverThreshold: number) => ({
  clusterName: 'CLUSTER-1',
  nodes: ['HV01'],
  role: {
    state: 'Online',
    owner: 'HV01',
    others: [],
    settings: {
      name: 'web',
      priority: 2000,
      preferredOwners: [],
      possibleOwners: null,
      failoverThreshold,
      failoverPeriodHours: 6,
      autoFailbackType: 0,
      failbackWindowStart: -1,
      failbackWindowEnd: -1,
      antiAffinityClassNames: [],
    },
  },
});

test('the largest number of a cluster is itself, however the cluster writes it, and no number is below none', () => {
  const largest = 0xffff_ffff;
  for (const written of [-1, largest])
    expect(roleSettingsValue.parse(told(written)).role?.settings).toMatchObject({
      failoverThreshold: largest,
      failbackWindowStart: largest,
      failbackWindowEnd: largest,
    });
  for (const wrong of [-2, largest + 1]) expect(roleSettingsValue.safeParse(told(wrong)).success).toBe(false);
});
