// api.roles: questions that the server answers.

const { object } = lib('api/checks');
const { call } = machine;

module.exports = () => ({
  getUserEffectiveRoles: (options) => call('roles.getUserEffectiveRoles', { ...object(options, 'options') }),
  getUserEffectiveRolesByIds: (ids, options) =>
    call('roles.getUserEffectiveRolesByIds', { ...object(options, 'options'), ids }),
  getUserEffectiveRolesByNames: (names, options) =>
    call('roles.getUserEffectiveRolesByNames', { ...object(options, 'options'), names }),
});
