import * as definitions from '../../activities/definitions';
import { kinds } from '../../contracts/migration';
import { operationKinds } from '../../contracts/operations';
import { routes } from '../../functions/triggers';

test('no two functions of the app share a name: the second would take the place of the first', () => {
  const activities = Object.values(definitions).flatMap((one) =>
    typeof one === 'object' && 'outcome' in one ? [one.name] : [],
  );
  const orchestrations = [...kinds.map((kind) => `migrate-${kind}`), 'run-batch'];
  const names = [...operationKinds, ...activities, ...orchestrations, ...routes.map(({ name }) => name)];
  expect(activities).toContain('preflight');
  expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
});
