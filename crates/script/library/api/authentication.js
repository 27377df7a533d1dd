// api.authentication

const { factor, factors, filled, object, oneOf } = lib('api/checks');

module.exports = ({ api, command }) => {
  const give = (name, list, more) => {
    command(`authentication.${name}`, { __proto__: null, factors: list, additional_factors: more });
    return api;
  };
  const challenge = (method) => (first, options) => {
    const { additionalFactors } = object(options, 'options');
    const more = additionalFactors === undefined ? undefined : factors(additionalFactors, 'options.additionalFactors');
    return give(method, [factor(first)], more);
  };

  return {
    challengeWith: challenge('challengeWith'),
    challengeWithAny: (list) => give('challengeWithAny', factors(list, 'The factors')),
    enrollWith: challenge('enrollWith'),
    enrollWithAny: (list) => give('enrollWithAny', factors(list, 'The factors')),
    recordMethod(url) {
      command('authentication.recordMethod', { __proto__: null, url: lib('api/address')(url) });
      return api;
    },
    setPrimaryUser(id) {
      command('authentication.setPrimaryUser', { __proto__: null, user_id: filled(id, 'The id of the user') });
      return api;
    },
    setUserById(id) {
      command('authentication.setUserById', { __proto__: null, user_id: filled(id, 'The id of the user') });
      return api;
    },
    setUserByConnection(connection, attributes, options) {
      const given = object(options, 'options');
      filled(object(attributes, 'The attributes').user_id, 'The user_id among the attributes');
      oneOf(given.creationBehavior, ['create_if_not_exists', 'none'], 'options.creationBehavior');
      oneOf(given.updateBehavior, ['replace', 'none'], 'options.updateBehavior');
      command('authentication.setUserByConnection', {
        __proto__: null, connection: filled(connection, 'The connection'), attributes, options: given,
      });
      return api;
    },
    setOrganization(organization) {
      command('authentication.setOrganization', {
        __proto__: null, organization: filled(organization, 'The organization'),
      });
      return api;
    },
    setActor(actor) {
      let depth = 0;
      for (let a = actor; a !== undefined && a !== null; a = a.act) {
        filled(object(a, 'The actor').sub, 'The sub of an actor');
        if (++depth > 5) throw new TypeError('Actors may be nested five deep');
      }
      if (depth === 0) throw new TypeError('The actor must be an object with a sub');
      command('authentication.setActor', { __proto__: null, actor });
      return api;
    },
  };
};
