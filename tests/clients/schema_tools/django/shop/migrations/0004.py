from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("shop", "0003")]
    operations = [
        migrations.AddField(
            "line", "amount", models.DecimalField(max_digits=12, decimal_places=2, default=0)
        ),
        migrations.AddConstraint(
            "line", models.CheckConstraint(condition=models.Q(amount__gte=0), name="shop_line_amount")
        ),
        migrations.RunPython(
            lambda apps, _: apps.get_model("shop", "Line").objects.update(amount=models.F("id"))
        ),
    ]
