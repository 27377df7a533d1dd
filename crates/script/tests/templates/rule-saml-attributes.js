/* {"kind": "rule", "context": {"samlConfiguration": {}},
    "expect": {"context": {"samlConfiguration": {"mappings": {"http://schemas.example.org/claims/food": "user_metadata.food"}}}}} */
function (user, context, callback) {
  context.samlConfiguration.mappings = { 'http://schemas.example.org/claims/food': 'user_metadata.food' };
  callback(null, user, context);
}
