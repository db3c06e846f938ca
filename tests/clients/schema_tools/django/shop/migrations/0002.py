from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("shop", "0001")]
    operations = [
        migrations.AddField("item", "tier", models.IntegerField(default=1)),
        migrations.CreateModel(
            name="Line",
            fields=[
                ("id", models.BigAutoField(primary_key=True)),
                ("item", models.ForeignKey(on_delete=models.CASCADE, to="shop.item")),
                ("tags", models.ManyToManyField(to="shop.item", related_name="tagged")),
            ],
        ),
    ]
