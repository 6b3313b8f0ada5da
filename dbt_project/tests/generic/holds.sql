{#- An expression is true for every row; a row for which it is null fails. -#}
{% test holds(model, expression) %}

select * from {{ model }}
where not coalesce({{ expression }}, false)

{% endtest %}
