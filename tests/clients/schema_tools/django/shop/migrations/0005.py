from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("shop", "0004")]
    operations = [
        migrations.AddField("item", "seen", models.DateField(null=True, db_index=True)),
        migrations.AddField("item", "kind", models.CharField(max_length=10, default="plain")),
        migrations.RunPython(lambda apps, _: apps.get_model("shop", "Item").objects.create(name="the last")),
    ]
